/** Who holds a token: verified, and known to the log as a user. One per process, shared by HTTP and the live stream. */
import { subjectId, type SubjectId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { atMost } from '@tidings/infra/cache/at-most';
import { LRUCache } from 'lru-cache';
import type { Platform } from '../../../platform/src/platform.ts';
import type { Actor } from '../ctx.ts';
import { ApiError } from '../errors.ts';
import { provisionUser } from '../provisioning.ts';
import { createVerifier } from './verifier.ts';

export interface Identity {
  /**
   * Verifies the token and sees to it that its user exists.
   * @throws ApiError 401 UNAUTHORIZED or TOKEN_EXPIRED, 403 for an erased user, 503 AUTH_UNAVAILABLE
   */
  authenticate(token: string): Promise<Actor>;
}

/** What a newcomer's first request reads; it waits a moment for them, so that `GET /api/me` shows the mailbox just opened. */
const FIRST_SIGHT = ['users', 'mailboxes'];
const FIRST_SIGHT_BUDGET_MS = 2_000;
const REMEMBERED_PEOPLE = 100_000;

/** @param issuer read at the first token, because the development issuer's URL is known only once its port is */
export const createIdentity = (platform: Platform, issuer: () => string): Identity => {
  const { audience, adminRole } = platform.config.oidc;
  const verifier = createVerifier({ issuer, audience, adminRole, now: platform.now });
  // By what the token says of the person, so that a new name or address at the issuer is noticed.
  const provisioned = new LRUCache<string, Promise<void>>(atMost(REMEMBERED_PEOPLE));
  /** The verifier gives the same object for the same token: then nothing is left to ask. */
  const seen = new WeakSet<Actor>();
  /** Erased since this process began; of those before, the log tells at their first token. */
  const erased = new Set<SubjectId>();
  platform.keys.onDestroyed((subject) => erased.add(subject));

  const provision = async (actor: Actor): Promise<void> => {
    const { position } = await provisionUser(platform, actor);
    if (position === START) return;
    const visible = await platform.freshness.waitFor(position, FIRST_SIGHT, FIRST_SIGHT_BUDGET_MS);
    if (!visible)
      platform.logger.warn({ user: actor.userId, position }, 'a new user is not readable yet; their request goes on all the same');
  };

  return {
    authenticate: async (token) => {
      const actor = await verifier.verify(token);
      if (erased.has(subjectId(actor.userId))) throw new ApiError('INSUFFICIENT_PERMISSIONS', 'This account was erased.');
      if (seen.has(actor)) return actor;
      const key = `${actor.userId}\n${actor.displayName}\n${actor.email}\n${actor.isAdmin}`;
      let known = provisioned.get(key);
      if (known === undefined) {
        known = provision(actor);
        provisioned.set(key, known);
        known.catch(() => provisioned.delete(key)); // the next request tries again; this one is told below
      }
      await known;
      seen.add(actor);
      return actor;
    },
  };
};
