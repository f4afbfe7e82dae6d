// k6 for bench/tools: reads, or holds of seats at random; counts answers by status.
import http from 'k6/http';
import { Counter } from 'k6/metrics';

// What is a failed request: any status but these. 409 is the answer that somebody else was faster.
http.setResponseCallback(http.expectedStatuses(200, 304, 409));

const counters = { 200: new Counter('status_200'), 304: new Counter('status_304'), 409: new Counter('status_409') };
const other = new Counter('status_other');
const seats = Number(__ENV.SEATS);
const headers = { 'Content-Type': 'application/json' };

export const options = {
  vus: Number(__ENV.CONNECTIONS),
  duration: `${__ENV.SECONDS}s`,
  summaryTrendStats: ['avg', 'med', 'p(99)', 'max'],
};

export default function () {
  const random = (limit) => Math.floor(Math.random() * limit);
  const answer = seats
    ? http.post(__ENV.URL, JSON.stringify({ event: __ENV.EVENT, buyer: `k${__VU}`, seats: [`#${random(seats)}`] }), { headers })
    : http.get(__ENV.URL);
  (counters[answer.status] || other).add(1);
}

export function handleSummary(data) {
  return { [__ENV.SUMMARY]: JSON.stringify(data.metrics) };
}
