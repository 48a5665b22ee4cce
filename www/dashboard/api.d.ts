// What the worker's API takes and gives. Made from its types: `UPDATE_EXPECT=1 cargo test -p edge-worker described` writes it anew.

/**
 * How she presents herself.
 */
export type Agent = { name: string, greeting: string, greeting_protected: boolean, tone: string, notes: string, transfer_number: string | null, };

/**
 * An appointment as it was agreed: `POST /api/bookings`, `POST /api/bookings/{id}/cancel` and `…/restore`.
 */
export type Booking = { id: string,
/**
 * The call in which it was made; null for the staff's own.
 */
call: string | null, service: string, service_name: string, price: Money, starts: Moment, ends: Moment,
/**
 * Empty once the caller's data was deleted.
 */
name: string, phone: string | null, note: string, status: "booked" | "cancelled", made: Moment, changed: Moment,
/**
 * How often it was changed.
 */
sequence: number, };

/**
 * What begins on a day, in order; cancelled bookings too.
 */
export type BookingDay = { day: Day, bookings: Array<Booking>, };

/**
 * `GET /api/bookings`
 */
export type Bookings = { site: Site, from: Day, to: Day,
/**
 * Days on which something begins, in order.
 */
days: Array<BookingDay>,
/**
 * The cursor of the next page; null on the last.
 */
next: string | null, };

/**
 * A business as its owner describes it.
 */
export type Business = { id: string, name: string,
/**
 * What it is, behind its name: `a dental practice`.
 */
kind: string,
/**
 * A name of the IANA database.
 */
zone: string,
/**
 * ISO 3166, two letters.
 */
country: string,
/**
 * ISO 4217.
 */
currency: string, services: Array<Service>, hours: Hours, policies: Policies, agent: Agent, limits: Limits, };

/**
 * `GET /api/calendar` and `POST /api/calendar/renew`
 */
export type Calendar = {
/**
 * Whoever has it can read the bookings.
 */
url: string, };

/**
 * A call that is over. Says nothing of what was said.
 */
export type Call = { id: string, door: "browser" | "phone",
/**
 * The number of a caller by telephone.
 */
caller: string | null,
/**
 * As given for a booking or a message.
 */
name: string | null, started: Moment, ended: Moment | null, length_ms: number | null,
/**
 * How it ended: `completed`, `hung_up`, ….
 */
outcome: string | null, turns: number, replies: number, fast_replies: number, interruptions: number,
/**
 * From the caller's voice to hers.
 */
median_ms: number | null, p95_ms: number | null,
/**
 * The id of the last booking that was made in it.
 */
booking: string | null, bookings: number, messages: number,
/**
 * Prices of its bookings that stand.
 */
revenue: Money, };

/**
 * `GET /api/calls/{id}`
 */
export type CallDetail = { site: Site, call: Call, usage: Usage, turns: Array<Turn>, tool_runs: Array<ToolRun>, bookings: Array<Booking>, messages: Array<Message>, };

/**
 * `GET /api/calls`
 */
export type Calls = { site: Site,
/**
 * The latest first.
 */
calls: Array<Call>,
/**
 * The cursor of the next page; null on the last.
 */
next: string | null, };

/**
 * Why a business is in Safe Mode, the weightiest first.
 */
export type Cause = "owner" | "recogniser" | "model" | "voice" | "minutes" | "tokens";

/**
 * How figures differ from the previous range's. Null where the previous range has nothing to compare with.
 */
export type Change = {
/**
 * Relative: 0.25 is a quarter more.
 */
calls: number | null, bookings: number | null, revenue: number | null, messages: number | null,
/**
 * Differences of shares and of milliseconds.
 */
fast_share: number | null, median_ms: number | null, p95_ms: number | null, interruption_share: number | null, };

/**
 * A day of the business's calendar.
 */
export type Day = {
/**
 * `2026-11-24`
 */
day: string,
/**
 * `Tuesday, November 24`
 */
label: string, };

/**
 * `DELETE /api/callers/{number}`: how much was deleted.
 */
export type Erased = { calls: number, messages: number,
/**
 * Kept for the figures, without name, number and note; those to come are cancelled.
 */
bookings: number, };

/**
 * A day that differs from its weekday's hours.
 */
export type Exception = {
/**
 * `2026-12-24`
 */
date: string,
/**
 * Empty: closed all day.
 */
open: Array<Interval>,
/**
 * Why, as callers may be told.
 */
reason: string, };

/**
 * `why` goes on from the field's name: "is missing".
 */
export type FieldError = { field: string, why: string, };

/**
 * What happened in a range of days.
 */
export type Figures = { calls: number, phone_calls: number, call_ms: number, turns: number,
/**
 * Made in calls, and not cancelled since.
 */
bookings: number, revenue: Money, staff_bookings: number, staff_revenue: Money, messages: number,
/**
 * Turns whose time from the caller's voice to hers was measured.
 */
replies: number,
/**
 * Of those, the share that took less than half a second. Null without any.
 */
fast_share: number | null, median_ms: number | null, p95_ms: number | null, interruptions: number,
/**
 * Of turns. Null without any.
 */
interruption_share: number | null, usage: Usage, };

/**
 * A cause that holds.
 */
export type Holding = { cause: Cause, since: number,
/**
 * When it ends by itself. Null: an owner ends it.
 */
until: number | null, };

/**
 * When a business is open.
 */
export type Hours = { monday: Array<Interval>, tuesday: Array<Interval>, wednesday: Array<Interval>, thursday: Array<Interval>, friday: Array<Interval>, saturday: Array<Interval>, sunday: Array<Interval>, exceptions: Array<Exception>, };

/**
 * Times of day such as `09:30`; `24:00` is the midnight at which a day ends.
 */
export type Interval = { from: string, to: string, };

/**
 * What she may spend in a day of the business's calendar; null: no limit.
 */
export type Limits = {
/**
 * Of all calls together: 1 to 100000.
 */
minutes_a_day: number | null,
/**
 * That the model reads and writes: 1 to 1000000000.
 */
tokens_a_day: number | null, };

/**
 * A call that is on.
 */
export type LiveCall = { id: string, site: string, door: "browser" | "phone", state: LiveState,
/**
 * The number of a caller by telephone.
 */
caller: string | null,
/**
 * UTC, in milliseconds since 1970.
 */
started_at: number,
/**
 * Turns that have begun.
 */
turns: number, };

/**
 * One text frame to a page. Nothing of what is said in a call.
 */
export type LiveEvent = { "type": "call" } & LiveCall | { "type": "gone", id: string, } | { "type": "safe_mode" } & SafeMode | { "type": "snapshot", calls: Array<LiveCall>, safe_mode: SafeMode, };

/**
 * What goes on in a call.
 */
export type LiveState = "listening" | "ringing" | "speaking" | "thinking";

/**
 * What a caller wants to be told to the business: `POST /api/messages/{id}/done` and `…/undone`.
 */
export type Message = { id: string,
/**
 * The call in which it was left.
 */
call: string, taken: Moment,
/**
 * Empty: not given.
 */
name: string, phone: string | null, text: string,
/**
 * Null until somebody has seen to it.
 */
done: Moment | null, };

/**
 * `GET /api/messages`
 */
export type Messages = { site: Site,
/**
 * The latest first.
 */
messages: Array<Message>,
/**
 * The cursor of the next page; null on the last.
 */
next: string | null, };

/**
 * `GET /api/metrics`
 */
export type Metrics = { site: Site,
/**
 * Both counted, as everywhere.
 */
from: Day, to: Day,
/**
 * The range of the same length before it.
 */
previous_from: Day, previous_to: Day, current: Figures, previous: Figures, change: Change, step: Step,
/**
 * Every day or week of the range, in order.
 */
series: Array<Point>, };

/**
 * An instant, and what the business's own clocks show at it.
 */
export type Moment = {
/**
 * UTC, in milliseconds since 1970.
 */
at: number,
/**
 * `2026-11-24`
 */
day: string,
/**
 * `14:30`
 */
time: string,
/**
 * `Tuesday, November 24`
 */
label: string, };

/**
 * An amount.
 */
export type Money = {
/**
 * In the currency's minor unit.
 */
minor: number,
/**
 * In the currency's major unit, as it is written: `60`, `60.50`.
 */
amount: string,
/**
 * ISO 4217.
 */
currency: string, };

/**
 * What `POST /api/bookings` takes.
 */
export type NewBooking = {
/**
 * Its id.
 */
service: string,
/**
 * `2026-11-24`
 */
day: string,
/**
 * `14:30`
 */
time: string, name: string, phone?: string, note?: string,
/**
 * Also when the business is closed.
 */
outside_hours?: boolean, };

/**
 * One part of a series.
 */
export type Point = {
/**
 * The day, or the week's Monday.
 */
start: Day, calls: number, bookings: number, revenue: Money, replies: number, fast_share: number | null, median_ms: number | null, p95_ms: number | null, interruption_share: number | null, };

/**
 * The rules of booking.
 */
export type Policies = { lead_minutes: number, horizon_days: number, step_minutes: number, };

/**
 * Every answer that is an error: RFC 9457.
 */
export type Problem = { type: string, title: string, status: number,
/**
 * For programs; it does not change.
 */
code: string, detail: string,
/**
 * What is wrong with each field of a form.
 */
errors?: Array<FieldError>, };

/**
 * What somebody may do: everything, or looking.
 */
export type Role = "owner" | "viewer";

/**
 * Whether a business is in Safe Mode: `GET /api/safe-mode` and what `PUT /api/safe-mode` gives. Instants are UTC, in milliseconds since 1970.
 */
export type SafeMode = { on: boolean,
/**
 * Since when without a break.
 */
since: number | null,
/**
 * The first of those that hold.
 */
cause: Cause | null,
/**
 * The name of the owner who has switched it on.
 */
by: string | null,
/**
 * When it ends by itself. Null while it is on: an owner ends it.
 */
until: number | null,
/**
 * All that hold now. It is on until none does.
 */
causes: Array<Holding>, };

/**
 * What `PUT /api/safe-mode` takes.
 */
export type SafeModeSwitch = {
/**
 * False takes back what an owner did, and nothing else.
 */
on: boolean, };

/**
 * Something a caller can book.
 */
export type Service = { id: string, name: string, minutes: number,
/**
 * In the currency's minor unit.
 */
price: number, };

/**
 * What `GET /api/session`, `POST /api/session` and `POST /api/setup` give.
 */
export type Session = { id: string, email: string, name: string, role: Role,
/**
 * When the session is over at the latest; null for somebody whom Cloudflare Access vouches for.
 */
expires_at: number | null, };

/**
 * `GET /api/settings` and what `PUT /api/settings` gives.
 */
export type Settings = { site: Site,
/**
 * To be given back with a save.
 */
version: number, business: Business,
/**
 * Days that calls, messages and past bookings are kept. Null: for ever.
 */
retention_days: number | null,
/**
 * Digits of the currency's minor unit.
 */
minor_digits: number, };

/**
 * What `PUT /api/settings` takes.
 */
export type SettingsSave = {
/**
 * That of the settings it was made from.
 */
version: number, business: Business,
/**
 * Missing: as it is. Null: for ever.
 */
retention_days?: number | null, };

/**
 * `GET /api/setup`
 */
export type Setup = {
/**
 * Whether the first owner is still to be made.
 */
possible: boolean, };

/**
 * The business that an answer is about.
 */
export type Site = { id: string, name: string,
/**
 * The name in the IANA database of the zone in which all days and times are.
 */
zone: string,
/**
 * ISO 4217.
 */
currency: string,
/**
 * Made up, with all its records.
 */
demo: boolean, };

/**
 * A business to choose from.
 */
export type SiteEntry = { id: string, name: string,
/**
 * Made up, with all its records.
 */
demo: boolean, };

/**
 * `GET /api/sites`: those that exist come before those that are made up.
 */
export type Sites = { sites: Array<SiteEntry>, };

/**
 * How long the parts of a series are. A week begins on Monday.
 */
export type Step = "day" | "week";

/**
 * A tool that was run in a call.
 */
export type ToolRun = { turn: number, n: number, name: string,
/**
 * As the model gave them, whatever that was.
 */
arguments: string,
/**
 * As the model was told; null if it did not finish in the call's time.
 */
result: string | null, started: Moment, took_ms: number | null, };

/**
 * One turn of a call. Stages overlap, and are null where they were not reached.
 */
export type Turn = { turn: number, ended: Moment, outcome: string,
/**
 * Empty for a turn that she began.
 */
caller: string,
/**
 * What she said and the caller could hear.
 */
heard: string,
/**
 * What was cut off.
 */
unheard: string, endpointing_ms: number | null, first_token_ms: number | null, first_piece_ms: number | null, first_audio_ms: number | null, sent_ms: number | null, voice_to_voice_ms: number | null, speculative_requests: number, speculative_wasted: number, };

/**
 * What the providers were asked for.
 */
export type Usage = {
/**
 * Sound that was sent to be understood.
 */
recogniser_ms: number, tokens_in: number, tokens_out: number,
/**
 * Given to the voice.
 */
characters: number, };

/**
 * Somebody who has an account.
 */
export type User = { id: string, email: string, name: string, role: Role, created_at: number, has_password: boolean, };

/**
 * `GET /api/users`
 */
export type Users = { users: Array<User>, };
