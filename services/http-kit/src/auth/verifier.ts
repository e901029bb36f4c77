/**
 * Verifies access tokens against one OpenID Connect issuer: discovery (OIDC Discovery §4), its JWKS, then RFC 7519 and RFC 9068 rules. Keys
 * once fetched stay in use while the issuer is away, so its outage logs nobody out.
 */
import { derivedId, type UserId } from '@tidings/contracts/ids';
import { hash } from 'node:crypto';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type RemoteJWKSet } from 'jose';
import { atMost } from '@tidings/infra/cache/at-most';
import { LRUCache } from 'lru-cache';
import { validate } from 'uuid';
import type { Actor } from '../ctx.ts';
import { ApiError } from '../errors.ts';
import { challenge } from './bearer.ts';

export interface VerifierOptions {
  /** Read at the first token: the development issuer's URL is known only once its port is. */
  readonly issuer: () => string;
  readonly audience: string;
  readonly adminRole: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface Verifier {
  /** @throws ApiError 401 UNAUTHORIZED or TOKEN_EXPIRED, 503 AUTH_UNAVAILABLE */
  verify(token: string): Promise<Actor>;
}

/** Asymmetric only: with `HS256` a public key would do as a secret. */
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];
const LEEWAY_SECONDS = 5;
const FETCH_TIMEOUT_MS = 5_000;
/** An unknown `kid` makes us look at most this often, whatever comes in. */
const UNKNOWN_KID_COOLDOWN_MS = 30_000;
const REFRESH_AFTER_MS = 10 * 60_000;
/** Verifying RS256 costs some 50 µs and a thread; a known token costs a hash. */
const REMEMBERED_TOKENS = 20_000;

export const createVerifier = (options: VerifierOptions): Verifier => {
  const remembered = new LRUCache<string, Actor>(atMost(REMEMBERED_TOKENS));
  const keys = issuerKeys(options);

  return {
    verify: async (token) => {
      const digest = hash('sha256', token, 'base64');
      const known = remembered.get(digest);
      if (known !== undefined) {
        if (options.now() < known.expiresAt + LEEWAY_SECONDS * 1000) return known;
        remembered.delete(digest);
        throw expired();
      }
      const issuer = options.issuer();
      const resolveKey = await keys();
      try {
        const { payload } = await jwtVerify(token, resolveKey, {
          issuer,
          audience: options.audience,
          algorithms: ALGORITHMS,
          clockTolerance: LEEWAY_SECONDS,
          requiredClaims: ['exp', 'sub'],
          currentDate: new Date(options.now()),
        });
        const actor = actorOf(payload, issuer, options);
        remembered.set(digest, actor);
        return actor;
      } catch (thrown) {
        throw refusal(thrown);
      }
    },
  };
};

/** The issuer's keys, found at first use and looked after since. A failure is not remembered: the next token tries again. */
const issuerKeys = (options: VerifierOptions): (() => Promise<RemoteJWKSet>) => {
  let found: Promise<RemoteJWKSet> | null = null;
  let refreshAt = 0;
  return async () => {
    found ??= discover(options.issuer());
    try {
      const keys = await found;
      if (options.now() >= refreshAt) {
        const first = refreshAt === 0;
        refreshAt = options.now() + REFRESH_AFTER_MS;
        // Revoked keys go with this; while the issuer is away the old ones serve, so a failure here changes nothing.
        if (!first) void keys.reload().catch(() => (refreshAt = options.now() + UNKNOWN_KID_COOLDOWN_MS));
      }
      return keys;
    } catch (thrown) {
      found = null;
      throw unavailable(thrown);
    }
  };
};

const discover = async (issuer: string): Promise<RemoteJWKSet> => {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const found: unknown = await response.json();
  if (typeof found !== 'object' || found === null || !('issuer' in found) || !('jwks_uri' in found) || typeof found.jwks_uri !== 'string') {
    throw new Error(`${url} is not a discovery document`);
  }
  if (found.issuer !== issuer) throw new Error(`${url} speaks for ${String(found.issuer)}, not for ${issuer} (OIDC Discovery §4.3)`);
  return createRemoteJWKSet(new URL(found.jwks_uri), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: UNKNOWN_KID_COOLDOWN_MS,
    cacheMaxAge: Infinity,
  });
};

const actorOf = (claims: JWTPayload, issuer: string, options: VerifierOptions): Actor => {
  const sub = claims.sub ?? '';
  const userId = validate(sub) ? (sub.toLowerCase() as UserId) : derivedId<UserId>('user', issuer, sub);
  const roles = rolesOf(claims, options.audience);
  return {
    userId,
    displayName: displayNameOf(claims) ?? `User ${userId.slice(0, 8)}`,
    email: claims.email_verified === false ? null : textOf(claims.email),
    roles,
    isAdmin: roles.includes(options.adminRole),
    clientId: textOf(claims.azp) ?? textOf(claims.client_id),
    expiresAt: (claims.exp ?? 0) * 1000,
  };
};

/** Control characters have no place in a name; 200 is what `UserRegistered` keeps. */
const displayNameOf = (claims: JWTPayload): string | null => {
  for (const claim of [claims.name, claims.preferred_username]) {
    const name = textOf(claim)
      ?.replaceAll(/\p{Cc}+/gu, ' ')
      .trim();
    if (name) return [...name].slice(0, 200).join('');
  }
  return null;
};

const textOf = (claim: unknown): string | null => (typeof claim === 'string' && claim !== '' ? claim : null);

/** Where issuers put roles: Keycloak's realm and client roles, and the plain `roles` claim (RFC 9068 §2.2.3.1). */
const rolesOf = (claims: JWTPayload, audience: string): readonly string[] => {
  const found = [at(claims, 'realm_access', 'roles'), at(claims, 'resource_access', audience, 'roles'), claims.roles];
  return [
    ...new Set(found.flatMap((roles) => (Array.isArray(roles) ? roles.filter((role): role is string => typeof role === 'string') : []))),
  ];
};

const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, key) ? (inner as Record<string, unknown>)[key] : undefined,
    value,
  );

/** jose's own errors about the token are the caller's fault; anything else is a key that could not be had. */
const refusal = (thrown: unknown): ApiError => {
  if (thrown instanceof errors.JWTExpired) return expired();
  if (thrown instanceof errors.JOSEError && TOKEN_FAULTS.has(thrown.code)) {
    return new ApiError('UNAUTHORIZED', 'The access token is not valid here.', {
      headers: challenge('invalid_token', 'the access token is not valid'),
      cause: thrown,
    });
  }
  return unavailable(thrown);
};
const TOKEN_FAULTS: ReadonlySet<string> = new Set([
  'ERR_JWT_CLAIM_VALIDATION_FAILED',
  'ERR_JWT_INVALID',
  'ERR_JWS_INVALID',
  'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  'ERR_JOSE_ALG_NOT_ALLOWED',
  'ERR_JOSE_NOT_SUPPORTED',
  'ERR_JWKS_NO_MATCHING_KEY',
  'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
]);

const expired = (): ApiError =>
  new ApiError('TOKEN_EXPIRED', 'The access token has expired.', { headers: challenge('invalid_token', 'the access token expired') });

const unavailable = (cause: unknown): ApiError =>
  new ApiError('AUTH_UNAVAILABLE', 'The identity provider cannot be reached, so the access token cannot be checked.', {
    headers: { 'retry-after': '2' },
    cause,
  });
