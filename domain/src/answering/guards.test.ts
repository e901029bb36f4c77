import { expect, it } from 'vitest';
import { guardOf, type MailToAnswer } from './guards.ts';

const plain: MailToAnswer = {
  ...{ returnPath: 'bob@example.org', authors: ['bob@example.org'], headers: new Map(), verdict: 'none' },
  ...{ isAddressedToUs: true, isFromUs: false },
};
const headers = (...fields: readonly (readonly [string, string])[]) => ({ headers: new Map(fields) });

it('a mail from a person is answered', () => {
  expect(guardOf(plain)).toBeNull();
  expect(guardOf({ ...plain, ...headers(['auto-submitted', 'no'], ['precedence', 'first-class'], ['subject', 'x']) })).toBeNull();
  // Systems that sign their return paths write for people.
  expect(guardOf({ ...plain, returnPath: 'bounce+abcdef@example.org' })).toBeNull();
  expect(guardOf({ ...plain, authors: ['robounce@example.org', 'norepl@example.org'], verdict: 'pass' })).toBeNull();
});

it.each([
  ['null-sender', { returnPath: '' }],
  ['automatic', headers(['auto-submitted', 'auto-replied'])],
  ['automatic', headers(['auto-submitted', 'auto-generated (failure)'])],
  ['bulk', headers(['precedence', 'Bulk'])],
  ['bulk', headers(['precedence', 'list'])],
  ['bulk', headers(['precedence', 'junk'])],
  ['list', headers(['list-id', '<x.example>'])],
  ['list', headers(['list-unsubscribe', '<https://x.example>'])],
  ['list', headers(['feedback-id', '1:2:3'])],
  ['suppressed', headers(['x-auto-response-suppress', 'All'])],
  ['suppressed', headers(['x-autoreply', 'yes'])],
  ['suppressed', headers(['x-autorespond', 'Away'])],
  ['suppressed', headers(['x-loop', 'x'])],
  ['no-person', { returnPath: 'MAILER-DAEMON@example.org' }],
  ['no-person', { returnPath: 'list-bounces+bob=example.org@example.com' }],
  ['no-person', { returnPath: 'owner-list@example.org' }],
  ['no-person', { returnPath: 'list-request@example.org' }],
  ['no-person', { authors: ['noreply@example.org'] }],
  ['no-person', { authors: ['Do-Not-Reply@example.org'] }],
  ['no-person', { authors: ['no_reply+x@example.org'] }],
  ['no-person', { authors: ['postmaster@example.org'] }],
  ['no-person', { authors: ['bounces@example.org'] }],
  ['no-person', { authors: ['bob@example.org', 'noreply@example.org'] }],
  ['no-person', { authors: [] }],
  ['no-person', { authors: ['no address'] }],
  ['ourselves', { isFromUs: true }],
  ['not-to-us', { isAddressedToUs: false }],
  ['forged', { verdict: 'forged' as const }],
] as const)('%s: %j is not', (guard, change) => {
  expect(guardOf({ ...plain, ...change })).toBe(guard);
});
