/** `docs/figures/costs.json`: what a message costs, as measured; `scale.ts` reckons with it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isLeft } from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { PathReporter } from 'io-ts/lib/PathReporter.js';

const Part = t.readonly(t.type({ cpuMs: t.number, bytes: t.number }));

/** Of one message. */
const MessageCosts = t.readonly(
  t.type({
    /** So many were measured, at so many a second. */
    messages: t.number,
    perSecond: t.number,
    /** Events in the log that came of one. */
    events: t.number,
    /** Processor milliseconds by stage, what an idle program uses taken out. */
    cpuMs: t.readonly(t.record(t.string, t.number)),
    /** Bytes that stay, by place, indexes among them; and `wal`, which is written and goes. */
    bytes: t.readonly(t.record(t.string, t.number)),
    /** Of `cpuMs.project`, by how long the pages of each took; and what its tables grew by. */
    readModels: t.readonly(t.record(t.string, Part)),
  }),
);
export type MessageCosts = t.TypeOf<typeof MessageCosts>;

const Costs = t.readonly(
  t.type({
    machine: t.string,
    measuredAt: t.string,
    /** Processor milliseconds a second of a program that has nothing to do. */
    idleCpuMs: t.number,
    chat: MessageCosts,
    mailIn: MessageCosts,
    mailOut: MessageCosts,
    /** What other benches found, taken over from latest.json. */
    limits: t.readonly(
      t.type({
        /** Events a second into one log, and out of it by one reader. */
        append: t.number,
        read: t.number,
        /** An open stream that tells nothing. */
        streamKilobytes: t.number,
      }),
    ),
  }),
);
export type Costs = t.TypeOf<typeof Costs>;

const FILE = 'costs.json';

export const writeCosts = (folder: string, costs: Costs): Promise<void> =>
  writeFile(
    join(folder, FILE),
    `${JSON.stringify(costs, (_, value: unknown) => (typeof value === 'number' ? rounded(value) : value), 2)}\n`,
  );

/** Four digits tell enough. */
const rounded = (value: number): number => Number(value.toPrecision(4));

/** @throws when the file is not there, or is another than `writeCosts` writes */
export const readCosts = async (folder: string): Promise<Costs> => {
  const decoded = Costs.decode(JSON.parse(await readFile(join(folder, FILE), 'utf8')));
  if (isLeft(decoded)) throw new Error(`${FILE}: ${PathReporter.report(decoded).join('; ')}`);
  return decoded.right;
};
