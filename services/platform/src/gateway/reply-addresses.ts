/** Reply addresses as they are configured: which secret, which tokens are given out, which are taken. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { type ConversationId, derivedId, type SubjectId } from '@tidings/contracts/ids';
import {
  issueReplyToken,
  issueSeedToken,
  type ReadToken,
  readReplyToken,
  redacted,
  replyAddressOf,
  replyKeysOf,
  tokenIn,
  type TokenFault,
} from '@tidings/domain/gateway/reply-token';
import { atMost } from '@tidings/infra/cache/at-most';
import * as E from 'fp-ts/lib/Either.js';
import type { Either } from 'fp-ts/lib/Either.js';
import { LRUCache } from 'lru-cache';
import type { Platform } from '../platform.ts';

const REMEMBERED = 2_000;

export interface ReplyAddress {
  readonly address: string;
  readonly token: string;
  /** For lists and logs. */
  readonly redacted: string;
}

export interface ReplyAddresses {
  /** For whoever has this number in the conversation, at `address` in normal form. A token of version 1 knows only conversation and time. */
  addressFor(recipient: { readonly conversationId: ConversationId; readonly number: number; readonly address: string }): ReplyAddress;
  /** The token in an address of ours; null for any other address. */
  tokenIn(address: string): string | null;
  read(token: string): Either<TokenFault, ReadToken>;
  /** The conversation that the token in an address names, whether it is still good or not; null where none is named. */
  conversationIn(address: string): ConversationId | null;
}

/** The secret is the same at all nodes, made by whoever asks first where none is configured. */
export const openReplyAddresses = async ({ config, keys, now }: Pick<Platform, 'config' | 'keys' | 'now'>): Promise<ReplyAddresses> => {
  const { replyDomain, replySecret, previousSecrets, replyTtlMs, replyToken } = config.gateway;
  const replyKeys = replyKeysOf(hmac, replySecret ?? (await ownSecret(keys)), previousSecrets);
  /** An answer's token is read at the door, for its lane and for its place; one of version 2 says the same at any time. */
  const lately = new LRUCache<string, Either<TokenFault, ReadToken>>(atMost(REMEMBERED));
  const read = (token: string): Either<TokenFault, ReadToken> => {
    const known = lately.get(token);
    if (known !== undefined) return known;
    const found = readReplyToken(replyKeys, token, { now: now(), ttlMs: replyTtlMs });
    if (E.isRight(found) && found.right.version === 'v2') lately.set(token, found);
    return found;
  };
  return {
    addressFor: ({ conversationId, number, address }) => {
      const token =
        replyToken === 'v1'
          ? issueSeedToken(replyKeys, { conversationId, issuedAt: now() })
          : issueReplyToken(replyKeys, { conversationId, number }, address);
      return { address: replyAddressOf(token, replyDomain), token, redacted: redacted(token) };
    },
    tokenIn: (address) => tokenIn(address, replyDomain),
    read,
    conversationIn: (address) => {
      const token = tokenIn(address, replyDomain);
      const named = token === null ? null : read(token);
      if (named === null || E.isLeft(named)) return null;
      return named.right.version === 'v1' ? named.right.conversationId : (named.right.claims[0]?.conversationId ?? null);
    },
  };
};

const hmac = (key: Uint8Array, data: Uint8Array): Uint8Array => createHmac('sha256', keyObjectOf(key)).update(data).digest();

/** Node takes a key from bytes at each use for six times what the rest of an HMAC costs; there is a handful of keys. */
const keyObjectOf = (key: Uint8Array): KeyObject => {
  const made = keyObjects.get(key) ?? createSecretKey(key);
  keyObjects.set(key, made);
  return made;
};
const keyObjects = new WeakMap<Uint8Array, KeyObject>();

const ownSecret = async (keys: Platform['keys']): Promise<Uint8Array> => {
  const subject = derivedId<SubjectId>('reply-address', 'secret');
  const secret = (await keys.obtain([subject])).get(subject) ?? null;
  if (secret === null) throw new Error('the secret of reply addresses was destroyed');
  return secret;
};
