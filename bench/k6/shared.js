// What the scenarios share: the address, what counts as an answer, and the calls of a purchase.
//
// Environment: HTTP (host:port of a router), EVENT (id of the event that is made; a fresh one by default), RATE,
// SECONDS, P99_MS.
import http from 'k6/http';
import { check, fail } from 'k6';
import { Counter } from 'k6/metrics';

export const base = `http://${__ENV.HTTP || '127.0.0.1:8080'}`;
export const seconds = Number(__ENV.SECONDS || 20);
export const rate = (usual) => Number(__ENV.RATE || usual);

// A failed request (http_req_failed) is any other status. 409 says that somebody else was faster, 304 that nothing has
// changed: both are answers. 503, 504 and broken connections (status 0) are not, nor is a 4xx that says the script is
// wrong.
http.setResponseCallback(http.expectedStatuses(200, 201, 202, 204, 304, 409));

export const won = new Counter('holds_won');
export const refused = new Counter('holds_refused');
export const seatsHeld = new Counter('seats_held');
export const seatsSold = new Counter('seats_sold');

// A frozen node is longer silent than this; a busy machine is not.
const p99 = Number(__ENV.P99_MS || 3000);

export const thresholds = {
  http_req_failed: ['rate==0'],
  checks: ['rate==1'],
  http_req_duration: [`p(99)<${p99}`],
  holds_won: ['count>0'],
};

export const summaryTrendStats = ['avg', 'med', 'p(95)', 'p(99)', 'max'];

const json = { 'Content-Type': 'application/json' };
let calls = 0;

/** A key for one command of one buyer: sent again with it, the command is not carried out a second time. */
function keyed() {
  calls += 1;
  return { headers: { ...json, 'Idempotency-Key': `k${__VU}-${__ITER}-${calls}-${Date.now()}` } };
}

/** Makes the event; every run has its own, so nothing that an earlier one held is in its way. */
export function createEvent(scenario, fields) {
  const id = __ENV.EVENT || `k6-${scenario}-${Date.now()}`;
  const answer = http.post(`${base}/v1/events`, JSON.stringify({ id, name: `k6 ${scenario}`, ...fields }), { headers: json });
  if (answer.status !== 201) fail(`the event was not made: ${answer.status} ${answer.body}`);
  return { event: id };
}

/** Asks for seats; the hold, or null if they were taken. `wish`: {seats}, {areas} or {best}. */
export function reserve(event, buyer, wish) {
  const answer = http.post(`${base}/v1/reserve`, JSON.stringify({ event, buyer, ...wish }), { ...keyed(), tags: { name: 'reserve' } });
  if (answer.status === 409) {
    check(answer, { 'a refusal names its reason': (r) => ['seats_taken', 'sold_out'].includes(r.json('code')) });
    refused.add(1);
    return null;
  }
  if (!check(answer, { 'reserve: 200': (r) => r.status === 200 })) return null;
  const hold = answer.json();
  won.add(1);
  seatsHeld.add(hold.seats.length);
  return hold;
}

/** Checks a hold out and pays; true if it was sold. */
export function buy(hold) {
  const order = http.post(`${base}/v1/checkout`, JSON.stringify({ hold: hold.hold }), { ...keyed(), tags: { name: 'checkout' } });
  if (!check(order, { 'checkout: 202': (r) => r.status === 202 })) return false;
  const paid = http.post(`${base}/v1/orders/${order.json('order')}/confirm`, null, { ...keyed(), tags: { name: 'confirm' } });
  if (!check(paid, { 'confirm: 200, confirmed': (r) => r.status === 200 && r.json('status') === 'confirmed' })) return false;
  seatsSold.add(hold.seats.length);
  return true;
}

/** Gives a hold back. */
export function release(hold) {
  const answer = http.del(`${base}/v1/holds/${hold.hold}`, null, { ...keyed(), tags: { name: 'release' } });
  check(answer, { 'release: 204': (r) => r.status === 204 });
}

const tags = {};

/** What somebody does who looks: the list, the seat map (only if it has changed), and how much is left. */
export function look(event) {
  const list = http.get(`${base}/v1/events?limit=10`, { tags: { name: 'events' } });
  check(list, { 'events: 200': (r) => r.status === 200 });
  const known = tags[event];
  const map = http.get(`${base}/v1/events/${event}/seats`, {
    headers: known ? { 'If-None-Match': known } : {}, tags: { name: 'seats' } });
  check(map, { 'seats: 200 with a tag, or 304': (r) => (r.status === 200 && !!r.headers.Etag) || r.status === 304 });
  if (map.status === 200) tags[event] = map.headers.Etag;
  const left = http.get(`${base}/v1/events/${event}/availability`, { tags: { name: 'availability' } });
  check(left, { 'availability: 200, and the parts are the whole': (r) => {
    if (r.status !== 200) return false;
    const counts = r.json();
    return counts.free + counts.held + counts.sold + counts.not_for_sale === counts.total;
  } });
  return map.status;
}

/** At the end: no seat is in two orders or holds, and the event's own count of sold seats is the orders'. */
export function judge(event) {
  const owners = {};
  let [twice, sold, cursor] = [0, 0, ''];
  do {
    const page = http.get(`${base}/v1/events/${event}/orders?status=confirmed&limit=1000${cursor && `&cursor=${cursor}`}`,
      { tags: { name: 'orders' } });
    if (!check(page, { 'orders: 200': (r) => r.status === 200 })) return;
    for (const order of page.json('orders')) {
      for (const seat of order.seats) {
        if (owners[seat]) twice += 1;
        owners[seat] = order.order;
        sold += 1;
      }
    }
    cursor = page.json('next_cursor');
  } while (cursor);
  const counts = http.get(`${base}/v1/events/${event}/availability?read=strong`, { tags: { name: 'availability' } }).json();
  check(counts, {
    'no seat was sold twice': () => twice === 0,
    'the orders have the seats that are sold': (c) => c.sold === sold,
  });
}
