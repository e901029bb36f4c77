/** `npm run bench [-- name …]` runs all benches, or the named ones. */
import { parseArgs } from 'node:util';
import { appendBench } from './append.ts';
import { chatSearchBench } from './chat-search.ts';
import { chatRatesBench } from './chat-rates.ts';
import { chatBench } from './chat.ts';
import { costsBench } from './costs.ts';
import { egressBench } from './egress.ts';
import { enginesBench } from './engines.ts';
import { exportBench } from './export.ts';
import { fanOutBench } from './fan-out.ts';
import { gatewayBench } from './gateway.ts';
import { type Bench, type Figure, machine, reached, save, table } from './harness.ts';
import { importBench } from './import.ts';
import { mailListBench } from './mail-list.ts';
import { mailSearchBench } from './mail-search.ts';
import { openSearchBench } from './opensearch.ts';
import { replayBench } from './replay.ts';
import { smtpBench } from './smtp.ts';
import { sseIdleBench } from './sse-idle.ts';
import { sseReconnectBench } from './sse-reconnect.ts';
import { timelineBench } from './timeline.ts';

const benches: readonly Bench[] = [
  appendBench,
  replayBench,
  chatBench,
  chatRatesBench,
  chatSearchBench,
  smtpBench,
  egressBench,
  gatewayBench,
  importBench,
  mailListBench,
  mailSearchBench,
  openSearchBench,
  fanOutBench,
  timelineBench,
  exportBench,
  sseIdleBench,
  sseReconnectBench,
  costsBench,
  enginesBench,
];

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string', default: 'docs/figures' } },
});
const chosen = positionals.length === 0 ? benches : benches.filter((bench) => positionals.includes(bench.name));
const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
const write = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

if (unknown.length > 0) {
  write(`no bench called ${unknown.join(', ')}; there are ${benches.map((bench) => bench.name).join(', ')}`);
  process.exit(2);
}

write(`# ${machine()}`);
const found = new Map<string, readonly Figure[]>();
for (const bench of chosen) {
  write(`\n== ${bench.name}`);
  found.set(bench.name, await bench.run((line) => write(`   ${line}`), values.out));
}
const figures = [...found.values()].flat();
write(`\n${table(figures)}`);
await save(
  values.out,
  found,
  benches.map((bench) => bench.name),
);
write(`\nwritten to ${values.out}/latest.md and latest.json`);
const missed = figures.filter((figure) => reached(figure) === false);
if (missed.length > 0) write(`\n${missed.length} below what they must reach: ${missed.map((figure) => figure.what).join('; ')}`);
process.exit(0);
