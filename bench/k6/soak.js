// A day's mix at a constant rate, for as long as SECONDS says: of a hundred arrivals 70 look, 20 hold and give back, 10
// buy.
import { buy, createEvent, judge, look, rate, release, reserve, seconds, summaryTrendStats, thresholds } from './shared.js';

const rows = Number(__ENV.ROWS || 1000);

export const options = {
  scenarios: {
    soak: {
      executor: 'constant-arrival-rate', rate: rate(40), timeUnit: '1s', duration: `${seconds}s`, preAllocatedVUs: 20, maxVUs: 400,
    },
  },
  thresholds: { ...thresholds, seats_sold: ['count>0'] },
  summaryTrendStats,
};

export function setup() {
  return createEvent('soak', { sections: [{ name: 'Stalls', rows, seats_per_row: 100, price: 4500 }] });
}

export default function ({ event }) {
  const chance = Math.random();
  if (chance < 0.7) {
    look(event);
    return;
  }
  const hold = reserve(event, `visitor-${__VU}-${__ITER}`, { seats: [`#${Math.floor(Math.random() * rows * 100)}`] });
  if (hold && chance < 0.9) release(hold);
  else if (hold) buy(hold);
}

export function teardown({ event }) {
  judge(event);
}
