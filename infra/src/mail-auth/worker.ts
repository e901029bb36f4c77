/** Checks one mail in a worker thread, because the bytes may be hostile. DNS is asked on the other side of a port. */
import type { MessagePort } from 'node:worker_threads';
import type { DnsType } from '@tidings/contracts/ports/dns';
import type { MailClient } from '@tidings/contracts/ports/mail-checks';
import type { DNSResolver } from 'mailauth';
import { authenticate } from 'mailauth';
import type { Answer, Question } from './mail-auth.ts';
import type { Findings } from './verdict.ts';

export interface Task {
  readonly raw: Uint8Array;
  readonly client: MailClient;
  /** False for peers that no SPF record is about. */
  readonly spf: boolean;
  readonly dns: MessagePort;
}

export const check = async ({ raw, client, spf, dns }: Task): Promise<Findings> => {
  const { resolver, trouble, close } = askingOver(dns);
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
    close();
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

/** Questions go out numbered; answers come in any order. */
const askingOver = (dns: MessagePort): { readonly resolver: DNSResolver; readonly trouble: () => boolean; readonly close: () => void } => {
  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  let trouble = false;
  dns.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  const resolver: DNSResolver = async (domain, type) => {
    asked += 1;
    const id = asked;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    const question: Question = { id, domain, type: type as DnsType }; // mailauth asks for no others
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of worker_threads, which has no origins
    dns.postMessage(question);
    const answer = await answered;
    if ('records' in answer) return answer.records as string[][]; // the shape depends on the type, as in node:dns
    if (answer.code !== 'ENOTFOUND' && answer.code !== 'ENODATA') trouble = true;
    throw Object.assign(new Error(answer.code), { code: answer.code });
  };
  return { resolver, trouble: () => trouble, close: () => dns.close() };
};
