// @ts-check
// <voxanne-call site="…">: a button on any page that a visitor presses to talk to the business.
//
// Attributes, each a property too: site (required), server (default: where this script came from), placement ("bottom-right",
//   "bottom-left", "inline"), theme ("auto", "light", "dark"), transcript ("off" hides the captions).
// Slots: "label" is the button's text; the content itself, a telephone link say, is offered when a call cannot be made,
//   and is all there is without script.
// Methods: start(), stop(), mute(on); the first two are promises and safe to call twice.
// Read-only: state ("idle", "connecting", "listening", "thinking", "speaking", "reconnecting", "ended", "failed"), muted. While
//   "reconnecting" the line is lost and tried again for half a minute; what the visitor says meanwhile is heard later.
// Words: assign an object to labels to replace any of WORDS.
// Events, bubbling and composed: voxanne-call-before (cancellable), voxanne-call-started, voxanne-state-changed {state, previous},
//   voxanne-transcript {speaker, turn, text, cut, final}, voxanne-report {report}, voxanne-call-ended {outcome},
//   voxanne-error {code}.
// Style: parts button, panel, status, meter, captions, problem, mute; --voxanne-accent, --voxanne-radius, --voxanne-z; :state(…).
//
// For tests and visualisers, not for pages: audio is {context, output} during a call, where output is the node her voice
// comes out of; diagnostics() promises counters, latencies and when what happened.
//
// Nothing heavy is loaded before the first press.

/** @typedef {"idle" | "connecting" | "listening" | "thinking" | "speaking" | "reconnecting" | "ended" | "failed"} State */

const HERE = new URL(import.meta.url);
const ATTRIBUTES = ["site", "server", "placement", "theme", "transcript"];
const KEPT_LINES = 40;

const WORDS = {
  talk: "Talk to us",
  end: "End call",
  mute: "Mute",
  unmute: "Unmute",
  muted: "Your microphone is off",
  call: "Voice call",
  captions: "Captions",
  agent: "Receptionist",
  caller: "You",
  otherwise: "Or reach us this way:",
  connecting: "Connecting…",
  listening: "Listening",
  thinking: "One moment…",
  speaking: "Speaking",
  reconnecting: "The connection is weak. Reconnecting…",
  ended: "Call ended",
  failed: "The call could not be made",
  microphone_denied:
    "Your browser keeps the microphone closed. Allow it for this page, usually with the icon beside the address, and press again.",
  microphone_missing: "No microphone was found. Connect one, or choose one in your system’s sound settings, and press again.",
  microphone_busy: "Another program is using your microphone. Close it there and press again.",
  microphone_lost: "Your microphone was disconnected. Connect it and press again.",
  microphone_failed: "Your microphone could not be opened. Check it in your system’s sound settings and press again.",
  insecure_page: "Browsers open the microphone only on secure pages. Open this page with https:// and press again.",
  unsupported: "This browser cannot make voice calls. A current version of Chrome, Edge, Firefox or Safari can.",
  audio_failed: "Sound could not be started in this browser. Reload the page and try again.",
  connection_lost: "The connection was lost. Press again to call back.",
  unreachable: "We could not be reached. Check your internet connection and press again.",
  unavailable: "We cannot take calls at this moment. Please try again in a few minutes.",
  too_many_calls: "There have been many calls from here. Please wait a minute and press again.",
  site_refused: "Calls are not set up for this page.",
  protocol: "This page is out of date. Reload it and try again.",
};

const MARKUP = `
<section part="panel" class="panel" hidden>
  <p part="status" class="status"><span class="dot" aria-hidden="true"></span><span class="state" role="status"></span></p>
  <div part="meter" class="meter" aria-hidden="true"><i></i></div>
  <ol part="captions" class="captions" role="log" aria-live="off" tabindex="0"></ol>
  <div part="problem" class="problem" role="alert" hidden><p class="why"></p><p class="otherwise"></p><slot></slot></div>
  <button part="mute" class="mute" type="button" aria-pressed="false" hidden></button>
</section>
<button part="button" class="main" type="button" aria-pressed="false">
  <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="M12 15a3.5 3.5 0 0 0 3.5-3.5v-5a3.5 3.5 0 1 0-7 0v5A3.5 3.5 0 0 0 12 15Zm6.5-3.5a6.5 6.5 0 0 1-5.5 6.42V21h-2v-3.08a6.5 6.5 0 0 1-5.5-6.42h2a4.5 4.5 0 0 0 9 0h2Z" fill="currentColor"/></svg>
  <span class="idle"><slot name="label"></slot></span><span class="busy" hidden></span>
</button>`;

const STYLE = `
:host { --accent: var(--voxanne-accent, #0f6b62); --radius: var(--voxanne-radius, 16px); color-scheme: light dark;
  --surface: light-dark(#fff, #1b2226); --text: light-dark(#1c2a2e, #e8eef0); --quiet: light-dark(#566569, #a3b1b6);
  --line: light-dark(#d9e0e2, #354045); --alarm: light-dark(#a3261d, #ff9d92); --on-accent: #fff;
  --glow: light-dark(var(--accent), color-mix(in oklab, var(--accent), #fff 45%));
  display: inline-block; font: 400 1rem/1.45 system-ui, sans-serif; color: var(--text); }
:host([theme=light]) { color-scheme: light; }
:host([theme=dark]) { color-scheme: dark; }
:host([hidden]) { display: none; }
:host(:not([placement=inline])) { position: fixed; inset-block-end: max(1rem, env(safe-area-inset-bottom)); inset-inline-end: 1rem;
  z-index: var(--voxanne-z, 2147483000); display: flex; flex-direction: column; align-items: flex-end; gap: .75rem; }
:host([placement=bottom-left]) { inset-inline: 1rem auto; align-items: flex-start; }
[hidden] { display: none !important; }
p { margin: 0; }
.panel { box-sizing: border-box; inline-size: min(22rem, calc(100vw - 2rem)); margin-block-end: .75rem; padding: 1rem; border: 1px solid var(--line);
  border-radius: var(--radius); background: var(--surface); box-shadow: 0 12px 40px rgb(0 0 0 / .18); }
:host(:not([placement=inline])) .panel { margin: 0; }
.status { display: flex; align-items: center; gap: .6rem; font-weight: 600; min-block-size: 1.45em; }
.dot { inline-size: .65rem; block-size: .65rem; border-radius: 50%; background: var(--quiet); flex: none; }
[data-state=listening] .dot, [data-state=speaking] .dot { background: var(--glow); }
[data-state=connecting] .dot, [data-state=thinking] .dot, [data-state=reconnecting] .dot { background: #d08b1d; }
[data-state=failed] .dot { background: var(--alarm); }
.meter { block-size: 4px; margin-block: .75rem; border-radius: 2px; background: var(--line); overflow: hidden; }
.meter i { display: block; block-size: 100%; background: var(--glow); transform-origin: 0 50%; transform: scaleX(var(--level, 0)); }
:host(:dir(rtl)) .meter i { transform-origin: 100% 50%; }
.captions { list-style: none; margin: 0; padding: 0; max-block-size: min(15rem, 38vh); overflow-y: auto; overscroll-behavior: contain; }
.captions:empty { display: none; }
.captions li { margin-block: .4rem; overflow-wrap: anywhere; }
.captions b { display: block; font-size: .75rem; font-weight: 600; color: var(--quiet); }
.captions s { color: var(--quiet); }
.captions .guess { color: var(--quiet); }
.problem { margin-block-start: .75rem; }
.why { color: var(--alarm); }
.otherwise { margin-block-start: .5rem; color: var(--quiet); }
::slotted(a) { color: inherit; }
button { font: inherit; cursor: pointer; }
button:focus-visible, .captions:focus-visible { outline: 3px solid var(--glow); outline-offset: 3px; }
.main { display: inline-flex; align-items: center; gap: .6rem; min-block-size: 3.25rem; padding: .5rem 1.4rem .5rem 1.1rem; border: 0; border-radius: 999px;
  background: var(--accent); color: var(--on-accent); font-weight: 600; box-shadow: 0 6px 20px rgb(0 0 0 / .2); transition: filter .15s; }
.main:hover { filter: brightness(1.1); }
.main[aria-pressed=true] { background: #a3261d; }
.mute { margin-block-start: .75rem; min-block-size: 2.75rem; padding: .25rem 1rem; border: 1px solid var(--line); border-radius: 999px; background: none; color: inherit; }
.mute[aria-pressed=true] { border-color: var(--alarm); color: var(--alarm); }
@media (prefers-reduced-motion: reduce) { .main { transition: none; } }
@media (forced-colors: active) { .main, .panel { border: 1px solid; } .meter i { background: Highlight; } }`;

/** @type {Promise<any> | undefined} */
let page;
/** @type {Promise<WebAssembly.Module> | undefined} */
let thread;

/** The page's half of the client, downloaded once for all elements. */
function client() {
  page ??= import(new URL("client/client_wasm.js", HERE).href).then(async (module) => {
    await module.default();
    return module;
  });
  page.catch(() => (page = undefined));
  return page;
}

/** The audio thread's half, compiled once. */
function audioThread() {
  thread ??= WebAssembly.compileStreaming(fetch(new URL("client/audio-thread.wasm", HERE)));
  thread.catch(() => (thread = undefined));
  return thread;
}

/** @type {CSSStyleSheet | undefined} */
let sheet;

class VoxanneCall extends HTMLElement {
  static observedAttributes = ["transcript"];

  /** @type {State} */
  #state = "idle";
  #muted = false;
  #words = WORDS;
  /** @type {{ stopped: boolean, open: boolean, context: AudioContext, client?: any, started: Promise<void> } | undefined} */
  #call;
  /** The last call's client, which remembers when what happened. @type {any} */
  #last;
  /** @type {Map<string, HTMLLIElement>} */
  #lines = new Map();
  #internals = this.attachInternals();

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = MARKUP;
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
    }
    root.adoptedStyleSheets = [sheet];
    this.#part("main").addEventListener("click", () => {
      if (this.#call) this.stop();
      else this.start().catch(() => {});
    });
    this.#part("mute").addEventListener("click", () => this.mute(!this.#muted));
    this.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.#call) {
        this.stop();
        this.#part("main").focus();
      }
    });
    this.#write();
  }

  connectedCallback() {
    addEventListener("pagehide", this.#leave);
  }

  disconnectedCallback() {
    removeEventListener("pagehide", this.#leave);
    this.stop();
  }

  attributeChangedCallback() {
    this.#part("captions").hidden = this.getAttribute("transcript") === "off";
  }

  get state() {
    return this.#state;
  }

  get muted() {
    return this.#muted;
  }

  get labels() {
    return this.#words;
  }

  set labels(words) {
    this.#words = { ...WORDS, ...words };
    this.#write();
  }

  /** Not for pages: the audio graph of the open call. */
  get audio() {
    const output = this.#call?.client?.output;
    return output ? { context: this.#call.context, output } : null;
  }

  /** Not for pages: what the audio thread counted, and when what happened. */
  async diagnostics() {
    return this.#last ? this.#last.diagnostics() : null;
  }

  /** Opens a call; call it from a press, since browsers let sound begin only there. */
  start() {
    if (this.#call) return this.#call.started;
    if (!this.#tell("voxanne-call-before", { site: this.getAttribute("site") ?? "" }, true)) return Promise.resolve();
    this.#lines.clear();
    this.#part("captions").replaceChildren();
    this.#show("connecting");
    if (!window.AudioContext || !window.AudioWorkletNode || !window.WebAssembly) {
      // An insecure page has no AudioWorklet either, and that is the reason a visitor can act on.
      return this.#fail(isSecureContext ? "unsupported" : "insecure_page");
    }
    const context = new AudioContext({ latencyHint: "interactive" });
    context.resume();
    /** @type {NonNullable<typeof this.#call>} */
    const call = (this.#call = { stopped: false, open: false, context, started: Promise.resolve() });
    call.started = this.#open(call);
    this.#write();
    return call.started;
  }

  /** Ends the call, if there is one. */
  async stop() {
    const call = this.#call;
    if (!call) return;
    call.stopped = true;
    call.client?.stop();
    await call.started.catch(() => {});
    if (this.#call === call) this.#over("ended", "hung_up");
  }

  /** @param {boolean} on */
  mute(on) {
    this.#muted = Boolean(on);
    this.#call?.client?.mute(this.#muted);
    this.#write();
  }

  /** @param {NonNullable<typeof this.#call>} call */
  async #open(call) {
    const module = audioThread();
    const worklet = call.context.audioWorklet.addModule(new URL("client/voxanne-worklet.js", HERE));
    // Awaited in the client; until it is there, nobody else would.
    worklet.catch(() => {});
    try {
      const { VoxanneClient } = await client().catch(() => Promise.reject({ code: "unreachable" }));
      if (call.stopped) throw { code: "stopped" };
      const options = { site: this.getAttribute("site") ?? "", server: this.#origin(), context: call.context, module, worklet };
      this.#last = call.client = new VoxanneClient(options, (/** @type {any} */ event) => this.#hear(call, event));
      call.client.mute(this.#muted);
      await call.client.start();
      call.open = true;
      this.#tell("voxanne-call-started", {});
    } catch (error) {
      if (this.#call !== call) return;
      const code = /** @type {any} */ (error)?.code ?? "audio_failed";
      if (code === "stopped") this.#over("ended", "hung_up");
      else return this.#fail(code);
    }
  }

  /** @param {object} call @param {any} event */
  #hear(call, { type, ...detail }) {
    if (this.#call !== call) return;
    if (type === "level") {
      const loudest = this.#state === "speaking" ? detail.voice : detail.microphone;
      // Speech lies between about -50 and -10 dB.
      const level = Math.min(1, Math.max(0, (20 * Math.log10(loudest + 1e-6) + 50) / 40));
      this.#part("meter").style.setProperty("--level", level.toFixed(2));
    } else if (type === "state") {
      if (detail.state !== "ended") this.#show(detail.state);
    } else if (type === "transcript") {
      this.#write_line(detail);
      this.#tell("voxanne-transcript", detail);
    } else if (type === "report") {
      this.#tell("voxanne-report", detail);
    } else if (type === "ended") {
      this.#over("ended", detail.outcome);
    } else if (type === "failed") {
      this.#fail(detail.code).catch(() => {});
    }
  }

  /** @param {{ speaker: "agent" | "caller", turn: number, text: string, cut: string, final: boolean }} line */
  #write_line({ speaker, turn, text, cut, final }) {
    const captions = this.#part("captions");
    const key = `${speaker} ${turn}`;
    let item = this.#lines.get(key);
    if (!item) {
      item = document.createElement("li");
      item.append(document.createElement("b"), document.createElement("span"), document.createElement("s"));
      item.children[0].textContent = this.#words[speaker];
      this.#lines.set(key, item);
      captions.append(item);
      if (captions.children.length > KEPT_LINES) captions.children[0].remove();
    }
    item.children[1].textContent = text;
    item.children[1].className = final ? "" : "guess";
    item.children[2].textContent = cut;
    item.hidden = !text && !cut;
    captions.scrollTop = captions.scrollHeight;
  }

  /** @param {"ended" | "failed"} state @param {string} outcome */
  #over(state, outcome) {
    const call = this.#call;
    this.#call = undefined;
    call?.context.close();
    this.#part("meter").style.setProperty("--level", "0");
    this.#show(state);
    if (call?.open) this.#tell("voxanne-call-ended", { outcome });
  }

  /** @param {string} code @returns {Promise<never>} */
  #fail(code) {
    this.#over("failed", "failed");
    this.#part("why").textContent = this.#words[/** @type {keyof typeof WORDS} */ (code)] ?? this.#words.failed;
    this.#tell("voxanne-error", { code });
    return Promise.reject(Object.assign(new Error(code), { code }));
  }

  /** @param {State} state */
  #show(state) {
    const previous = this.#state;
    this.#state = state;
    this.#part("why").textContent = "";
    this.#write();
    if (previous === state) return;
    try {
      this.#internals.states.delete(previous);
      this.#internals.states.add(state);
    } catch {
      // Before 2024 browsers took only names with dashes.
    }
    this.#tell("voxanne-state-changed", { state, previous });
  }

  /** Puts the words and switches where the state wants them. */
  #write() {
    const words = this.#words;
    const state = this.#state;
    const calling = Boolean(this.#call) || state === "connecting";
    const talking = calling && state !== "connecting";
    const panel = this.#part("panel");
    panel.dataset.state = state;
    panel.setAttribute("aria-label", words.call);
    panel.hidden = state === "idle";
    // That nobody hears anything at the moment matters more than that the microphone is off.
    const silent = talking && this.#muted && state !== "reconnecting";
    this.#part("state").textContent = state === "idle" ? "" : silent ? words.muted : words[state];
    this.#part("captions").setAttribute("aria-label", words.captions);
    this.#part("problem").hidden = state !== "failed";
    this.#part("meter").hidden = !calling;
    this.#part("otherwise").textContent = words.otherwise;
    this.#part("otherwise").hidden = !this.textContent?.trim();
    const mute = this.#part("mute");
    mute.hidden = !talking;
    mute.textContent = this.#muted ? words.unmute : words.mute;
    mute.setAttribute("aria-pressed", String(this.#muted));
    const main = this.#part("main");
    main.setAttribute("aria-pressed", String(calling));
    this.#part("idle").hidden = calling;
    this.#part("busy").hidden = !calling;
    this.#part("busy").textContent = words.end;
    const label = /** @type {HTMLElement} */ (this.shadowRoot?.querySelector("slot[name=label]"));
    label.textContent = words.talk;
  }

  /** @param {string} type @param {object} detail @param {boolean} [cancelable] */
  #tell(type, detail, cancelable = false) {
    return this.dispatchEvent(new CustomEvent(type, { bubbles: true, composed: true, cancelable, detail }));
  }

  #origin() {
    return new URL(this.getAttribute("server") || HERE.origin, document.baseURI).origin;
  }

  #leave = () => {
    this.#call?.client?.stop();
  };

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.shadowRoot?.querySelector(`.${name}`));
  }
}

for (const name of ATTRIBUTES) {
  Object.defineProperty(VoxanneCall.prototype, name, {
    configurable: true,
    enumerable: true,
    get() {
      return this.getAttribute(name) ?? "";
    },
    set(value) {
      if (value === null || value === undefined || value === "") this.removeAttribute(name);
      else this.setAttribute(name, value);
    },
  });
}

if (!customElements.get("voxanne-call")) customElements.define("voxanne-call", VoxanneCall);
