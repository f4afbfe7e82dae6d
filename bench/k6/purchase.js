// Whole purchases: hold, check out, pay. Each virtual buyer starts the next when one is done (closed: slower answers
// mean fewer requests).
import { buy, createEvent, judge, reserve, seconds, summaryTrendStats, thresholds } from './shared.js';

const seats = 20000;

export const options = {
  scenarios: { purchase: { executor: 'constant-vus', vus: Number(__ENV.BUYERS || 16), duration: `${seconds}s` } },
  thresholds: { ...thresholds, seats_sold: ['count>0'] },
  summaryTrendStats,
};

export function setup() {
  return createEvent('purchase', { sections: [{ name: 'Stalls', rows: seats / 100, seats_per_row: 100, price: 4500 }] });
}

export default function ({ event }) {
  const first = Math.floor(Math.random() * (seats - 1));
  const hold = reserve(event, `buyer-${__VU}-${__ITER}`, { seats: [`#${first}`, `#${first + 1}`] });
  if (hold) buy(hold);
}

export function teardown({ event }) {
  judge(event);
}
