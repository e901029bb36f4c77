/**
 * Mail goes out directly, or by a relay, per domain. The exchangers of a domain are tried in order: the next one for whoever could not be told for
 * good by the one before. Without a policy of the domain TLS is taken as it comes (RFC 7435): any certificate, and plain text for a server whose
 * TLS does not work. A policy (DANE, MTA-STS) admits neither.
 */
import type { Dns } from '@tidings/contracts/ports/dns';
import type { Begin, MailTransport, OutgoingMail, Transmission } from '@tidings/contracts/ports/mail-transport';
import type { TlsPolicies } from '../mail-policy/tls-policies.ts';
import { failureIn, type TlsFailure, type TlsResult } from '../tls-report/result.ts';
import { type Exchanger, exchangersOf } from './hosts.ts';
import { createPool, type PoolOptions } from './pool.ts';
import type { Proxies } from './proxies.ts';
import { domainIn } from './routes.ts';
import type { Relay, Routes } from './routes.ts';
import { NoSession, openSession, SESSION_LIMITS, type SessionLimits, type Target } from './smtp-session.ts';

export interface TransportOptions {
  readonly dns: Dns;
  /** How we call ourselves (RFC 5321 §4.1.1.1), and our own name among exchangers. */
  readonly name: string;
  readonly routes: Routes;
  readonly policies?: TlsPolicies;
  /** How TLS went, for each session with an exchanger that came about or failed by it. */
  readonly onTls?: (result: TlsResult) => void;
  readonly proxies?: Proxies | null;
  readonly mayCall: (address: string) => boolean;
  /** Certificate authorities beside those that everybody trusts, in PEM. */
  readonly trusted?: readonly string[];
  /** Of exchangers. */
  readonly port?: number;
  readonly limits?: SessionLimits;
  readonly pool?: PoolOptions;
}

/** Addresses that one mail is tried at, and servers that may each say "later". */
const MOST_ADDRESSES = 8;
const MOST_SERVERS = 3;

export const openMailTransport = (options: TransportOptions): MailTransport => {
  const { dns, name, routes, policies, onTls, proxies = null, mayCall, trusted = [], port = 25, limits = SESSION_LIMITS } = options;
  const pool = createPool(options.pool);

  const transmit = async (
    target: Target,
    mail: OutgoingMail,
    begin: Begin,
    viaProxy: boolean,
    tell: Tell,
  ): Promise<ReadonlyMap<string, Transmission>> => {
    const key = [target.host, target.address, target.port, target.tls.type, viaProxy].join(' ');
    const open = async () => {
      const via = viaProxy ? await proxies?.connect(target, limits.connectMs) : undefined;
      const socket = via === undefined ? {} : { socket: via.socket };
      const session = await openSession(target, { name: via?.name ?? name, limits, trusted, ...socket }).catch((error: unknown) => {
        if (error instanceof NoSession && error.tlsFailed)
          tell(target, failureIn(error.cause instanceof Error ? error.cause.message : error.message));
        throw error;
      });
      tell(target, session.tlsFault);
      return session;
    };
    return (await pool.with(key, open, (session) => session.transmit(mail, begin))).results;
  };

  /** With plain text where TLS does not work and none is demanded. @throws NoSession */
  const transmitAsDemanded = async (target: Target, mail: OutgoingMail, begin: Begin, viaProxy: boolean, tell: Tell) => {
    try {
      return await transmit(target, mail, begin, viaProxy, tell);
    } catch (error) {
      if (!(error instanceof NoSession) || !error.tlsFailed || target.tls.type !== 'opportunistic') throw error;
      return transmit({ ...target, tls: { type: 'none' } }, mail, begin, viaProxy, untold); // the failure was told
    }
  };

  /** One after the other, each for those that none before has told for good. */
  const tryInTurn = async (hops: AsyncIterable<Target | Transmission>, mail: OutgoingMail, begin: Begin, viaProxy: boolean, tell: Tell) => {
    const results = new Map<string, Transmission>();
    let open: readonly string[] = mail.recipients;
    let servers = 0;
    let spokenTo = '';
    for await (const hop of hops) {
      if ('type' in hop) {
        for (const recipient of open) results.set(recipient, hop);
        continue;
      }
      if (hop.host === spokenTo) continue; // it has several addresses, and answered at one of them
      try {
        const told = await transmitAsDemanded(hop, { ...mail, recipients: open }, begin, viaProxy, tell);
        for (const [recipient, result] of told) results.set(recipient, result);
        spokenTo = hop.host;
        servers += 1;
      } catch (error) {
        if (!(error instanceof NoSession)) throw error;
        for (const recipient of open) results.set(recipient, { type: 'refused', later: true, host: hop.host, reply: replyOf(error, hop) });
      }
      open = open.filter((recipient) => isForLater(results.get(recipient)));
      if (open.length === 0 || servers >= MOST_SERVERS) break;
    }
    return results;
  };

  const sendDirectly = async (domain: string, mail: OutgoingMail, begin: Begin) => {
    const found = await exchangersOf(domain, { dns, self: name, mayCall });
    if (found.type === 'none') return refuseAll(mail, { type: 'refused', later: found.later, host: null, reply: found.reply });
    const tell: Tell = ({ host, address, tls: { applied = null } }, failure) =>
      onTls?.({ domain, policy: applied, host, address, failure });
    return tryInTurn(targetsOf(domain, found.exchangers), mail, begin, proxies !== null, tell);
  };

  async function* targetsOf(domain: string, exchangers: readonly Exchanger[]): AsyncGenerator<Target | Transmission> {
    const demandOf = await policies?.(domain);
    let addresses = 0;
    for (const { name: host, addresses: all } of exchangers) {
      const tls = demandOf === undefined ? ({ type: 'opportunistic' } as const) : await demandOf(host);
      if (tls.type === 'refusal') {
        onTls?.({ domain, policy: tls.applied ?? null, host, address: null, failure: tls.failure });
        yield { type: 'refused', later: true, host, reply: tls.reply };
        continue;
      }
      for (const address of all) {
        if ((addresses += 1) > MOST_ADDRESSES) return;
        yield { host, address, port, tls };
      }
    }
  }

  return {
    route: (domain) => {
      const relay = routes(domain);
      return relay === null ? domain : `relay ${relay.host}:${relay.port}`;
    },
    send: async (mail, begin) => {
      const domain = domainIn(mail.recipients[0] ?? '');
      if (domain === null)
        return refuseAll(mail, { type: 'refused', later: false, host: null, reply: '553 5.1.3 this is no email address' });
      const relay = routes(domain);
      return relay === null ? sendDirectly(domain, mail, begin) : tryInTurn(only(relay), mail, begin, false, untold);
    },
    close: async () => pool.close(),
  };
};

/** How TLS went with a target. A relay is told of to nobody. */
type Tell = (target: Target, failure: TlsFailure | null) => void;
const untold: Tell = () => undefined;

/** Where a policy would not have it otherwise, its name. */
const replyOf = ({ message, tlsFailed }: NoSession, { tls }: Target): string =>
  tlsFailed && 'because' in tls && tls.because !== undefined ? `454 4.7.5 ${tls.because}: ${message}` : message;

async function* only({ host, port, tls, credentials }: Relay): AsyncGenerator<Target> {
  yield { host, address: host, port, tls, ...(credentials === null ? {} : { credentials }) };
}

const isForLater = (result: Transmission | undefined): boolean => result === undefined || (result.type === 'refused' && result.later);

const refuseAll = (mail: OutgoingMail, result: Transmission): ReadonlyMap<string, Transmission> =>
  new Map(mail.recipients.map((recipient) => [recipient, result]));
