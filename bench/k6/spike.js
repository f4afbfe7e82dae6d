// The moment a sale opens: arrivals rise within seconds from a trickle to RATE a second, whatever the answers' times,
// until it is sold out.
import { createEvent, judge, rate, reserve, seconds, summaryTrendStats, thresholds } from './shared.js';

const peak = rate(300);
const part = (share) => `${Math.max(1, Math.round(seconds * share))}s`;

export const options = {
  scenarios: {
    spike: {
      executor: 'ramping-arrival-rate',
      startRate: Math.max(1, Math.round(peak / 20)),
      timeUnit: '1s',
      preAllocatedVUs: 50,
      maxVUs: 500,
      stages: [
        { target: Math.max(1, Math.round(peak / 20)), duration: part(0.2) },
        { target: peak, duration: part(0.1) },
        { target: peak, duration: part(0.5) },
        { target: Math.max(1, Math.round(peak / 10)), duration: part(0.2) },
      ],
    },
  },
  thresholds,
  summaryTrendStats,
};

// Fewer seats than wishes, so that the end of the spike is refusals.
const rows = Math.max(1, Math.round((peak * seconds) / 3 / 20));

export function setup() {
  return createEvent('spike', { sections: [{ name: 'Stalls', rows, seats_per_row: 20, price: 4500 }] });
}

export default function ({ event }) {
  const buyer = `fan-${__VU}-${__ITER}`;
  // Most take the best two, some insist on a seat that they saw.
  if (Math.random() < 0.7) reserve(event, buyer, { best: { count: 2 } });
  else reserve(event, buyer, { seats: [`#${Math.floor(Math.random() * rows * 20)}`] });
}

export function teardown({ event }) {
  judge(event);
}
