/**
 * Importing an mbox: from the file's bytes in the blob store to every mail filed in the log, by the importer alone, and how soon after that the read
 * models show it all. Baseline: some of the same mails inserted as they are into a table of the same Postgres, as many to a commit. Memory is that of
 * the whole process: at most until a fifth is filed, and at most behind that, which is no more where it stays flat.
 */
import { Readable } from 'node:stream';
import { derivedId, type CommandId, type ImportId, type MailboxId, type UserId } from '@tidings/contracts/ids';
import { importKey, mailImport } from '@tidings/domain/import/index';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { loadConfig } from '@tidings/infra/config/config';
import { type Mime, openMime } from '@tidings/infra/mime/mime';
import { createLeases, DEFAULT_LEASE } from '@tidings/infra/projector/lease';
import * as E from 'fp-ts/lib/Either.js';
import { pino } from 'pino';
import { migrate } from '../services/cli/src/migrate.ts';
import { roomOf } from '../services/filing/src/room.ts';
import { runImport } from '../services/importer/src/run-import.ts';
import { BATCH_MAILS } from '../services/importer/src/source.ts';
import { type OpenedPlatform, openPlatform } from '../services/platform/src/open.ts';
import { startProjectorService } from '../services/projector/src/index.ts';
import { Dice } from '../tests/acceptance/town.ts';
import { cpuPerMessage, cpuTimes } from './chat-cpu.ts';
import { type Bench } from './harness.ts';
import { withPostgres } from './postgres.ts';

/** A hundred thousand is the figure; fewer (BENCH_IMPORT_MAILS) for a quick look while working on it. */
const MAILS = Number(process.env['BENCH_IMPORT_MAILS'] ?? 100_000);
const WARM_UP = 2_000;
const PLAIN_MAILS = Math.min(MAILS, 20_000);
const MIB = 2 ** 20;
const READ_MODELS = ['threads', 'emails', 'mail-search', 'feed', 'imports'];

export const importBench: Bench = {
  name: 'import',
  run: (say) =>
    withPostgres(async (url) => {
      const logger = pino({ level: 'error' });
      await migrate(url, logger);
      const config = E.getOrElseW((faults: readonly string[]) => {
        throw new Error(faults.join('; '));
      })(loadConfig({ DATABASE_URL: url }));
      const platform = await openPlatform(config, { process: 'bench', logger });
      const mime = openMime(); // as in the service, its threads have started when an import begins
      try {
        // Registered and idle: what is measured has the machine to itself.
        await (await startProjectorService(platform)).stop();
        platform.metrics.clear(); // it starts once more below, and its figures have their names once
        const plain = await insertPlainly(
          platform,
          Array.from({ length: PLAIN_MAILS }, (_, nth) => mailNo(nth)),
        );
        say(`inserted as they are: ${Math.round(plain)} messages/s`);
        await importAll(platform, mime, 'warm-up', WARM_UP);
        const cpu = await cpuSince(url);
        const { rate, memory } = await importAll(platform, mime, 'measured', MAILS);
        const used = await cpu(MAILS);
        say(`imported: ${Math.round(rate)} messages/s; milliseconds of processor time for each:`);
        for (const [stage, ms] of used) say(`  ${ms.toFixed(3)} ${stage}`);
        const cpuMs = used.filter(([stage]) => !stage.startsWith('postgres')).reduce((sum, [, ms]) => sum + ms, 0);
        say(`memory in MiB, a tenth of the mails each: ${memory.tenths.map((mib) => mib.toFixed(0)).join(', ')}`);
        const shown = await showAll(platform);
        return [
          {
            what: `import: an mbox of ${MAILS.toLocaleString('en-US')} mails of 2 kB, filed durably`,
            unit: 'messages/s',
            value: rate,
            must: { atLeast: 1000 },
            baseline: { what: 'the same mails inserted as they are', value: plain },
            note: `${cpuMs.toFixed(2)} ms of processor time each beside Postgres; all read models had them ${shown.toFixed(1)} s later`,
          },
          {
            ...{
              what: '… memory behind the first fifth of it',
              unit: 'MiB more',
              value: memory.grown,
              must: { atMost: 64 },
              baseline: null,
            },
            note: `at most ${memory.fifth.toFixed(0)} MiB until then, ${memory.most.toFixed(0)} behind it; with what makes the mails and counts`,
          },
        ];
      } finally {
        await mime.close();
        await platform.close();
      }
    }),
};

/** @returns what says, for so many mails since, how many milliseconds each took where. Linux only for Postgres */
const cpuSince = async (url: string): Promise<(mails: number) => Promise<readonly (readonly [string, number])[]>> => {
  const postgres = await cpuTimes(process.pid, url);
  const all = process.cpuUsage();
  const here = process.threadCpuUsage();
  return async (mails) => {
    const thread = process.threadCpuUsage(here);
    const { user, system } = process.cpuUsage(all);
    const main = (thread.user + thread.system) / 1000 / mails;
    const stages = cpuPerMessage(postgres, await cpuTimes(process.pid, url), mails).filter(([stage]) => stage.startsWith('postgres'));
    return [
      ['filing (main thread)', main],
      ['reading (worker threads, garbage collection)', (user + system) / 1000 / mails - main],
      ...stages,
    ];
  };
};

const WORDS = 'the roof of the town hall needs repair before winter and schools close early because snow falls on market square'.split(' ');

/** In threads of three. */
const mailNo = (nth: number): string => {
  const dice = new Dice(nth);
  const line = (): string => Array.from({ length: 13 }, () => dice.one(WORDS)).join(' ');
  const first = nth - (nth % 3);
  const answers = nth === first ? '' : `In-Reply-To: <${first}@bench.test>\nReferences: <${first}@bench.test>\n`;
  const at = new Date(Date.UTC(2015, 0, 1) + nth * 3_600_000);
  return `From ${nth % 500}@bench.test ${at.toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/, '$1 $3 $2 $5 $4')}
From: Person ${nth % 500} <${nth % 500}@bench.test>
To: town@tidings.test
Subject: ${nth === first ? '' : 'Re: '}Case ${first}
Date: ${at.toUTCString()}
Message-ID: <${nth}@bench.test>
${answers}MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Status: RO
${nth % 7 === 0 ? `X-Keywords: label${nth % 14}\n` : ''}
${Array.from({ length: 22 }, line).join('\n')}

`;
};

/** @returns mails per second */
const insertPlainly = async ({ pool }: OpenedPlatform, mails: readonly string[]): Promise<number> => {
  await pool.query('create table plain_mail (nth serial primary key, raw bytea not null)');
  const began = performance.now();
  for (let at = 0; at < mails.length; at += BATCH_MAILS) {
    const batch = mails.slice(at, at + BATCH_MAILS).map((mail) => Buffer.from(mail));
    await pool.query('insert into plain_mail (raw) select unnest($1::bytea[])', [batch]);
  }
  const rate = mails.length / ((performance.now() - began) / 1000);
  await pool.query('drop table plain_mail');
  return rate;
};

interface Imported {
  /** Mails per second. */
  readonly rate: number;
  readonly memory: Memory;
}

/** Into a mailbox of its own. */
const importAll = async (platform: OpenedPlatform, mime: Mime, name: string, mails: number): Promise<Imported> => {
  const { commands, pool, blobs } = platform;
  const mailboxId = derivedId<MailboxId>('bench-mailbox', name);
  const by = derivedId<UserId>('bench-user');
  const importId = derivedId<ImportId>('bench-import', name);
  const commandId = derivedId<CommandId>('bench-command', name);
  const opening = {
    type: 'OpenMailbox',
    mailboxId,
    kind: 'shared',
    address: `${name}@tidings.test`,
    name,
    members: [{ userId: by, role: 'admin' }],
  } as const;
  await commands.transact(mailbox, mailboxKey(mailboxId), opening, { commandId });
  const { id: blobId, size } = await blobs.put(Readable.from(mbox(mails), { objectMode: false }));
  const request = { importId, mailboxId, by, source: { type: 'file', format: 'mbox', blobId, size } as const, name, folders: null };
  await commands.transact(mailImport, importKey(importId), { type: 'RequestImport', request, password: null }, { commandId });
  const leases = createLeases(pool, DEFAULT_LEASE);
  const lease = await leases.acquire(`import:${importId}`, 0);
  if ('heldBy' in lease) throw new Error('somebody else has the lease of a bench');
  const memory = watchMemory(mails);
  const began = performance.now();
  await runImport(request, {
    platform,
    mime,
    room: roomOf(96 * 1024 * 1024),
    lease,
    signal: new AbortController().signal,
    onBatch: ({ done }) => memory.filed(done),
  });
  const seconds = (performance.now() - began) / 1000;
  leases.close();
  const { state } = await commands.load(mailImport, importKey(importId));
  if (state.kind !== 'finished' || state.progress?.counts.filed !== mails) throw new Error(`the import ended as ${JSON.stringify(state)}`);
  return { rate: mails / seconds, memory: memory.seen() };
};

const mbox = function* (mails: number): Generator<Buffer> {
  for (let nth = 0; nth < mails; nth++) yield Buffer.from(mailNo(nth));
};

/** MiB, resident. */
interface Memory {
  readonly fifth: number;
  readonly most: number;
  readonly grown: number;
  /** At most while each tenth was filed. */
  readonly tenths: readonly number[];
}

const watchMemory = (mails: number): { readonly filed: (mails: number) => void; readonly seen: () => Memory } => {
  const tenths = Array.from({ length: 10 }, () => 0);
  let done = 0;
  return {
    filed: (more) => {
      done += more;
      const tenth = Math.min(9, Math.floor((10 * done) / mails));
      tenths[tenth] = Math.max(tenths[tenth] ?? 0, process.memoryUsage.rss() / MIB);
    },
    seen: () => {
      const [fifth, most] = [Math.max(...tenths.slice(0, 2)), Math.max(...tenths.slice(2))];
      return { fifth, most, grown: most - fifth, tenths };
    },
  };
};

/** @returns after how many seconds the read models have everything */
const showAll = async (platform: OpenedPlatform): Promise<number> => {
  const began = performance.now();
  const projector = await startProjectorService(platform);
  for (const shard of platform.log.shards) await platform.freshness.waitFor(await platform.log.head(shard), READ_MODELS, 600_000);
  const seconds = (performance.now() - began) / 1000;
  await projector.stop();
  return seconds;
};
