// Many look, few hold: the list of events, the seat map with its ETag, and what is left, while the map changes now and
// then.
import { Counter } from 'k6/metrics';
import { createEvent, look, rate, reserve, seconds, summaryTrendStats, thresholds } from './shared.js';

const unchanged = new Counter('maps_unchanged');
const seats = 5000;

export const options = {
  scenarios: {
    visitors: { executor: 'constant-vus', vus: Number(__ENV.VISITORS || 8), duration: `${seconds}s`, exec: 'visit' },
    holders: {
      executor: 'constant-arrival-rate', rate: rate(5), timeUnit: '1s', duration: `${seconds}s`, preAllocatedVUs: 5, maxVUs: 50,
      exec: 'hold',
    },
  },
  thresholds: { ...thresholds, maps_unchanged: ['count>0'] },
  summaryTrendStats,
};

export function setup() {
  return createEvent('browse', { sections: [{ name: 'Stalls', rows: seats / 100, seats_per_row: 100, price: 4500 }] });
}

export function visit({ event }) {
  if (look(event) === 304) unchanged.add(1);
}

export function hold({ event }) {
  reserve(event, `holder-${__VU}`, { seats: [`#${Math.floor(Math.random() * seats)}`] });
}
