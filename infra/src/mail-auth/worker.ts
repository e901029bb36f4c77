/** Checks one mail in a worker thread, because the bytes may be hostile. DNS is asked on the other side of a channel. */
import { BroadcastChannel, workerData } from 'node:worker_threads';
import type { DnsType } from '@tidings/contracts/ports/dns';
import type { MailClient } from '@tidings/contracts/ports/mail-checks';
import { atMost } from '../cache/at-most.ts';
import { LRUCache } from 'lru-cache';
import type { DNSResolver } from 'mailauth';
import { authenticate } from 'mailauth';
import type { Answer, Answered, Question } from './mail-auth.ts';
import type { Findings } from './verdict.ts';

export interface ThreadData {
  /** The name of the channel on which DNS is asked. */
  readonly dnsChannel: string;
}

export interface Task {
  /** Its number. */
  readonly mail: number;
  readonly raw: Uint8Array;
  readonly client: MailClient;
  /** False for peers that no SPF record is about. */
  readonly spf: boolean;
}

/** That the thread is there. */
export const start = (): void => undefined;

export const check = async ({ mail, raw, client, spf }: Task): Promise<Findings> => {
  const { resolver, trouble, over } = askingFor(mail);
  try {
    const found = await authenticate(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength), {
      sender: client.mailFrom,
      // Without an address the library asks nothing for SPF, and says so.
      ...(spf ? { ip: client.address, helo: client.helo } : {}),
      mta: 'tidings',
      minBitLength: 1024,
      rejectRsaSha1: true, // RFC 8301 §3.1
      disableBimi: true,
      resolver,
    });
    const { dmarc, arc } = found;
    return {
      spf: spf && found.spf !== false ? { result: found.spf.status.result, domain: found.spf.domain } : null,
      dkim: found.dkim.results
        .filter(({ status }) => status.result !== 'none')
        .map(({ status }) => ({ result: status.result, aligned: typeof status.aligned === 'string' })),
      dmarc: dmarc === false ? null : { result: dmarc.status.result, policy: dmarc.policy ?? 'none' },
      arc:
        arc === false
          ? null
          : { result: arc.status.result, sealer: sealerOf(arc.chain), dmarc: wordIn(arc.authenticationResults?.['dmarc']) },
      authorDomain: authorDomain(found.dkim.headerFrom),
      unanswered: trouble(),
    };
  } finally {
    over();
  }
};

const sealerOf = (chain: unknown): string => {
  const last: unknown = Array.isArray(chain) ? chain.at(-1) : undefined;
  const seal = field(last, 'arc-seal');
  const domain = field(field(field(seal, 'parsed'), 'd'), 'value');
  return typeof domain === 'string' ? domain : '';
};
const wordIn = (entry: unknown): string => {
  const result = field(entry, 'result');
  return typeof result === 'string' ? result.toLowerCase() : '';
};
const field = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null && name in of ? of[name as keyof typeof of] : undefined; // the check makes it a key

const authorDomain = (from: readonly string[]): string | null => {
  const domains = new Set(from.map((address) => address.slice(address.lastIndexOf('@') + 1).toLowerCase()));
  const [only] = domains;
  return domains.size === 1 && only !== undefined ? only : null;
};

const { dnsChannel } = workerData as ThreadData; // what `openMailAuth` gives its threads
const dns = new BroadcastChannel(dnsChannel);
dns.unref();

/** Of the mails in hand, by mail and question. */
const waiting = new Map<string, (answer: Answered) => void>();
dns.addEventListener('message', (event) => {
  const data = (event as MessageEvent).data as Answer; // of `openMailAuth`, or another thread's question, which answers nothing
  waiting.get(`${data.mail} ${data.nth}`)?.(data);
});

/** Asking costs a trip to the other side, and most mail comes from where the last one came from. */
const REMEMBER_MS = 60_000;
const remembered = new LRUCache<string, Answered>({ ...atMost(500), ttl: REMEMBER_MS });

/** Questions go out numbered; answers come in any order. Who asked no longer waits when it is `over`. */
const askingFor = (mail: number): { readonly resolver: DNSResolver; readonly trouble: () => boolean; readonly over: () => void } => {
  let asked = 0;
  let trouble = false;
  const ask = async (domain: string, type: DnsType): Promise<Answered> => {
    asked += 1;
    const question: Question = { mail, nth: asked, domain, type };
    const answered = new Promise<Answered>((resolve) => waiting.set(`${mail} ${question.nth}`, resolve));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel of worker_threads, which has no origins
    dns.postMessage(question);
    return answered;
  };
  const resolver: DNSResolver = async (domain, type) => {
    const key = `${type} ${domain.toLowerCase()}`;
    const known = remembered.get(key);
    const answer = known ?? (await ask(domain, type as DnsType)); // mailauth asks for no others
    const isKept = 'records' in answer || isAbsence(answer.code);
    if (!isKept) trouble = true;
    else if (known === undefined) remembered.set(key, answer);
    if ('records' in answer) return answer.records as string[][]; // the shape depends on the type, as in node:dns
    throw Object.assign(new Error(answer.code), { code: answer.code });
  };
  const over = (): void => {
    for (let nth = 1; nth <= asked; nth += 1) waiting.delete(`${mail} ${nth}`);
  };
  return { resolver, trouble: () => trouble, over };
};

const isAbsence = (code: string): boolean => code === 'ENOTFOUND' || code === 'ENODATA';
