// @ts-check
// The frame around the audio thread's wasm: it moves bytes and decides nothing.
// To the page: microphone frames as ArrayBuffer, everything else as Float64Array (audio-thread/src/event.rs).
// From the page: voice frames as ArrayBuffer, everything else as [what, argument] (audio-thread/src/exports.rs).

/** The control message that this script keeps for itself: the call is over. */
const END = 0;

/** The most samples the wasm takes at once. */
const QUANTUM = 128;

class Voxanne extends AudioWorkletProcessor {
  /** @param {{ processorOptions: { module: WebAssembly.Module } }} options */
  constructor({ processorOptions }) {
    super();
    this.wasm = /** @type {any} */ (new WebAssembly.Instance(processorOptions.module, {}).exports);
    this.wasm.start(sampleRate);
    this.running = true;
    this.attach();
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  /** Makes the views again; they die if the wasm's memory ever grows. */
  attach() {
    const { wasm } = this;
    const memory = wasm.memory.buffer;
    this.input = new Float32Array(memory, wasm.input(), QUANTUM);
    this.output = new Float32Array(memory, wasm.output(), QUANTUM);
    this.voice = new Uint8Array(memory, wasm.voice(), wasm.voice_capacity());
    this.event = new Float64Array(memory, wasm.event(), wasm.event_length());
  }

  /** @param {ArrayBuffer | [number, number]} message */
  receive(message) {
    if (this.input.length === 0) this.attach();
    if (message instanceof ArrayBuffer) {
      if (message.byteLength <= this.voice.length) {
        this.voice.set(new Uint8Array(message));
        this.wasm.receive(message.byteLength);
      }
    } else if (message[0] === END) {
      this.running = false;
    } else {
      this.wasm.control(message[0], message[1]);
    }
    this.report();
  }

  report() {
    while (this.wasm.next_event()) this.port.postMessage(this.event.slice());
  }

  /**
   * @param {Float32Array[][]} inputs
   * @param {Float32Array[][]} outputs
   */
  process(inputs, outputs) {
    const { wasm } = this;
    if (this.input.length === 0) this.attach();
    const heard = inputs[0][0];
    const out = outputs[0][0];
    for (let at = 0; at < out.length; at += QUANTUM) {
      const size = Math.min(QUANTUM, out.length - at);
      // A whole quantum, which is every browser's today, needs no view of its own.
      if (!heard) this.input.fill(0);
      else if (heard.length === size) this.input.set(heard);
      else this.input.set(heard.subarray(at, at + size));
      wasm.process(size, 1000 * (currentTime + at / sampleRate));
      if (size === out.length && size === QUANTUM) out.set(this.output);
      else out.set(this.output.subarray(0, size), at);
      const frame = wasm.microphone_frame();
      if (frame) {
        const bytes = wasm.memory.buffer.slice(frame, frame + wasm.microphone_frame_length());
        this.port.postMessage(bytes, [bytes]);
      }
    }
    this.report();
    return this.running;
  }
}

registerProcessor("voxanne", Voxanne);
