/**
 * Tickets for live streams: what a client that cannot send headers puts into the URL instead of its token. They name a user and the end of
 * that user's token, serve once and within a minute, so that one found in a log opens nothing.
 */
import { derivedId, type SubjectId, type UserId } from '@tidings/contracts/ids';
import { TICKET_MS } from '@tidings/contracts/http/sync';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import { timestamp, type Timestamp } from '@tidings/contracts/time';
import { spendTicket } from '@tidings/infra/presence/spent-tickets';
import { errors, jwtVerify, SignJWT } from 'jose';
import { randomUUID } from 'node:crypto';
import type { Actor } from '../../http-kit/src/ctx.ts';
import { challenge } from '../../http-kit/src/auth/bearer.ts';
import { ApiError } from '../../http-kit/src/errors.ts';
import type { Platform } from '../../platform/src/platform.ts';

export interface Tickets {
  /** Ends with the token of `actor` at the latest. */
  issue(actor: Actor): Promise<{ readonly ticket: string; readonly expiresAt: Timestamp }>;
  /** Who holds it, once. @throws ApiError 401 */
  redeem(ticket: string): Promise<Actor>;
}

export interface TicketsOptions {
  readonly keys: SubjectKeys;
  readonly now: () => number;
  /** True for the one who spends it first, of all nodes. */
  readonly spend: (ticket: string, expiresAt: Date) => Promise<boolean>;
}

/** Nobody's id: its key signs tickets. All nodes have it, made once, kept like all other keys. */
const SIGNER = derivedId<SubjectId>('stream-tickets');
const AUDIENCE = 'tidings:live-stream';

export const createTickets = ({ keys, now, spend }: TicketsOptions): Tickets => {
  let found: Promise<Uint8Array> | null = null;
  const key = (): Promise<Uint8Array> => {
    found ??= obtain(keys).catch((error: unknown) => {
      found = null; // the next one tries again
      throw error;
    });
    return found;
  };

  return {
    issue: async (actor) => {
      const expiresAt = Math.min(now() + TICKET_MS, actor.expiresAt);
      const ticket = await new SignJWT({ until: actor.expiresAt })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(actor.userId)
        .setAudience(AUDIENCE)
        .setJti(randomUUID())
        .setExpirationTime(Math.floor(expiresAt / 1000))
        .sign(await key());
      return { ticket, expiresAt: timestamp(Math.floor(expiresAt / 1000) * 1000) };
    },

    redeem: async (ticket) => {
      const { sub, jti, until, exp } = await verify(ticket, await key(), now());
      if (!(await spend(jti, new Date(exp * 1000)))) throw refused('The ticket was used before. Ask for another one.');
      return { userId: sub, displayName: '', email: null, roles: [], isAdmin: false, clientId: null, expiresAt: until };
    },
  };
};

export const ticketsOf = (platform: Platform): Tickets =>
  createTickets({
    keys: platform.keys,
    now: platform.now,
    spend: (ticket, expiresAt) => spendTicket(platform.pool, ticket, expiresAt),
  });

const obtain = async (keys: SubjectKeys): Promise<Uint8Array> => {
  const key = (await keys.obtain([SIGNER])).get(SIGNER);
  if (key == null) throw new Error('the key of stream tickets was destroyed');
  return key;
};

interface Claims {
  readonly sub: UserId;
  readonly jti: string;
  readonly exp: number;
  readonly until: number;
}

const verify = async (ticket: string, key: Uint8Array, now: number): Promise<Claims> => {
  try {
    const { payload } = await jwtVerify<Claims>(ticket, key, {
      algorithms: ['HS256'],
      audience: AUDIENCE,
      requiredClaims: ['sub', 'jti', 'exp', 'until'],
      currentDate: new Date(now),
    });
    return payload; // with our signature, so as we made it
  } catch (thrown) {
    if (thrown instanceof errors.JWTExpired) {
      throw new ApiError('TOKEN_EXPIRED', 'The ticket has expired. Ask for another one.', {
        headers: challenge('invalid_token', 'the ticket has expired'),
        cause: thrown,
      });
    }
    if (thrown instanceof errors.JOSEError) throw refused('The ticket is not valid here.', thrown);
    throw thrown;
  }
};

const refused = (message: string, cause?: Error): ApiError =>
  new ApiError('UNAUTHORIZED', message, { headers: challenge('invalid_token', 'the ticket is not valid'), cause });
