// Purchases while the primary of the event's shard is killed and comes back (`bench/k6/run failover` does that in the
// middle of the run). The router holds requests until the other node has taken over, so no buyer sees an error, and no
// seat may be sold twice.
import { buy, createEvent, judge, rate, reserve, seconds, summaryTrendStats, thresholds } from './shared.js';

const seats = 10000;

export const options = {
  scenarios: {
    failover: {
      executor: 'constant-arrival-rate', rate: rate(60), timeUnit: '1s', duration: `${seconds}s`, preAllocatedVUs: 50, maxVUs: 600,
    },
  },
  thresholds: { ...thresholds, seats_sold: ['count>0'] },
  summaryTrendStats,
};

export function setup() {
  return createEvent('failover', { sections: [{ name: 'Stalls', rows: seats / 100, seats_per_row: 100, price: 4500 }] });
}

export default function ({ event }) {
  // Few of the seats are wanted by many, so that a seat given twice would be seen.
  const limit = Math.random() < 0.5 ? 200 : seats;
  const hold = reserve(event, `buyer-${__VU}-${__ITER}`, { seats: [`#${Math.floor(Math.random() * limit)}`] });
  if (hold) buy(hold);
}

export function teardown({ event }) {
  judge(event);
}
