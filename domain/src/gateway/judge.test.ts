import { describe, expect, it } from 'vitest';
import { alice, bob, conversationNo } from '../testing/people.ts';
import { authorOf, type Evidence, matchOf } from './judge.ts';
import { loopReason } from './loops.ts';

const [one, two] = [conversationNo(1), conversationNo(2)];
const token = { conversationId: one, recipient: { userId: alice, address: 'alice@example.org' } };
const found = [
  { strategy: 'in-reply-to', conversationId: one },
  { strategy: 'references', conversationId: two },
  { strategy: 'sender-subject', conversationId: two },
] as const;
const evidence = (more: Partial<Evidence> = {}): Evidence => ({ from: 'alice@example.org', authenticated: true, token, found, ...more });

describe('matching', () => {
  it('takes the highest strategy, and says which would have gone elsewhere', () => {
    expect(matchOf(evidence())).toEqual({ conversationId: one, strategy: 'token', disagreeing: [found[1], found[2]] });
    expect(matchOf(evidence({ token: null }))).toMatchObject({ conversationId: one, strategy: 'in-reply-to' });
    expect(matchOf(evidence({ token: null, found: found.slice(2) }))).toEqual({
      conversationId: two,
      strategy: 'sender-subject',
      disagreeing: [],
    });
    expect(matchOf(evidence({ token: null, found: [] }))).toBeNull();
  });
});

describe('the author', () => {
  it('is the recipient of the token when authentication says so', () => {
    expect(authorOf(evidence(), 'token', null)).toEqual({ userId: alice, sureness: 'certain', hold: null });
  });

  it('is held for a member to confirm when only the header says so', () => {
    expect(authorOf(evidence({ authenticated: false }), 'token', alice)).toEqual({
      userId: alice,
      sureness: 'low',
      hold: 'unauthenticated',
    });
    expect(authorOf(evidence({ authenticated: false }), 'in-reply-to', alice)).toMatchObject({ hold: 'unauthenticated' });
  });

  it("is never the token's recipient when somebody else wrote", () => {
    const other = evidence({ from: 'mallory@example.org' });
    expect(authorOf(other, 'token', null)).toEqual({ userId: null, sureness: 'low', hold: 'stranger' });
    expect(authorOf(other, 'token', bob)).toEqual({ userId: bob, sureness: 'high', hold: null });
  });

  it('is less sure the lower the strategy', () => {
    expect(authorOf(evidence(), 'in-reply-to', alice).sureness).toBe('high');
    expect(authorOf(evidence(), 'sender-subject', alice).sureness).toBe('low');
    expect(authorOf(evidence({ token: { ...token, recipient: null } }), 'token', alice)).toEqual({
      userId: alice,
      sureness: 'high',
      hold: null,
    });
  });
});

describe('mail of automata', () => {
  it.each([
    ['auto-submitted', 'auto-replied'],
    ['auto-submitted', 'auto-generated; owner=x'],
    ['precedence', 'Bulk'],
    ['precedence', 'list'],
    ['precedence', 'junk'],
    ['list-id', '<a.example.org>'],
    ['list-unsubscribe', '<https://x>'],
    ['x-auto-response-suppress', 'All'],
    ['x-autoreply', 'yes'],
    ['x-tidings-gateway', 'any'],
    ['content-type', 'multipart/report; report-type=delivery-status'],
  ])('%s: %s is one', (name, value) => {
    expect(loopReason([{ name, value }], 'a@x', 'a@x')).toBe(name);
  });

  it('so are the null sender and mailer-daemon', () => {
    expect(loopReason([], '', 'a@x')).toBe('null sender');
    expect(loopReason([], 'a@x', 'MAILER-DAEMON@x')).toBe('mailer-daemon');
  });

  it.each([
    ['auto-submitted', 'no'],
    ['precedence', 'normal'],
    ['content-type', 'text/plain'],
    ['x-auto-response-suppress', 'None'],
    ['x-autoreply', 'no'],
  ])('%s: %s is none', (name, value) => {
    expect(loopReason([{ name, value }], 'a@x', 'a@x')).toBeNull();
  });
});
