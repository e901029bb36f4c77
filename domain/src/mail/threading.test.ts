import { describe, expect, it } from 'vitest';
import { emailNo, threadNo } from '../testing/people.ts';
import { baseSubject } from './base-subject.ts';
import { type Candidates, chooseThread, namedIds, normaliseMessageId, type ThreadingHeaders } from './threading.ts';

const mail = (change: Partial<ThreadingHeaders> = {}): ThreadingHeaders => ({
  messageId: '<new@x>',
  inReplyTo: [],
  references: [],
  subject: 'Re: Boats',
  ...change,
});
const held = (messageId: string, thread: number, subject = 'Boats') => ({
  messageId,
  emailId: emailNo(thread),
  threadId: threadNo(thread),
  baseSubject: baseSubject(subject),
});
const naming = (thread: number, inReplyTo: boolean, subject = 'Re: Boats') => ({
  emailId: emailNo(thread),
  threadId: threadNo(thread),
  baseSubject: baseSubject(subject),
  inReplyTo,
});
const choice = (headers: ThreadingHeaders, candidates: Partial<Candidates> = {}): string => {
  const chosen = chooseThread(headers, { named: [], naming: [], ...candidates });
  if (chosen.type === 'join') expect(chosen.relative.slice(-12)).toBe(chosen.threadId.slice(-12));
  return chosen.type === 'new' ? 'new' : `${Number(chosen.threadId.slice(-12))} by ${chosen.by}`;
};

describe('in-reply-to', () => {
  it('joins the thread of what it answers, whatever the subject', () => {
    expect(choice(mail({ inReplyTo: ['<a@x>'] }), { named: [held('a@x', 1)] })).toBe('1 by in-reply-to');
    expect(choice(mail({ inReplyTo: ['<a@x>'], subject: 'Something else' }), { named: [held('<a@x>', 1)] })).toBe('1 by in-reply-to');
  });

  it('goes before references', () => {
    const candidates = { named: [held('a@x', 1), held('b@x', 2)] };
    expect(choice(mail({ inReplyTo: ['<a@x>'], references: ['<a@x>', '<b@x>'] }), candidates)).toBe('1 by in-reply-to');
  });

  it('takes the first of several that is held', () => {
    expect(choice(mail({ inReplyTo: ['<gone@x>', '<b@x>', '<a@x>'] }), { named: [held('a@x', 1), held('b@x', 2)] })).toBe(
      '2 by in-reply-to',
    );
  });

  it('prefers the equal subject where a Message-ID was used twice, else the earlier', () => {
    const twice = { named: [held('a@x', 1, 'Ships'), held('a@x', 2, 'Boats')] };
    expect(choice(mail({ inReplyTo: ['<a@x>'] }), twice)).toBe('2 by in-reply-to');
    expect(choice(mail({ inReplyTo: ['<a@x>'], subject: 'Planes' }), twice)).toBe('1 by in-reply-to');
  });
});

describe('references', () => {
  const chain = ['<a@x>', '<b@x>', '<c@x>'];

  it('joins the newest relative with the same base subject', () => {
    expect(choice(mail({ references: chain }), { named: [held('a@x', 1), held('b@x', 2)] })).toBe('2 by references');
    expect(choice(mail({ references: chain }), { named: [held('a@x', 1), held('b@x', 2, 'Ships')] })).toBe('1 by references');
  });

  it('compares base subjects', () => {
    expect(choice(mail({ references: chain, subject: 'AW: [list] boats (fwd)' }), { named: [held('c@x', 3, 'Fwd: Boats')] })).toBe(
      '3 by references',
    );
  });

  it('does not join under another subject', () => {
    expect(choice(mail({ references: chain, subject: 'Ships' }), { named: [held('a@x', 1)] })).toBe('new');
  });

  it('holds when the answered mail itself is not here', () => {
    expect(choice(mail({ inReplyTo: ['<gone@x>'], references: ['<a@x>', '<gone@x>'] }), { named: [held('a@x', 1)] })).toBe(
      '1 by references',
    );
  });
});

describe('late originals', () => {
  it('join the replies that came before them', () => {
    expect(choice(mail({ subject: 'Boats' }), { naming: [naming(1, true, 'Changed')] })).toBe('1 by late-original');
    expect(choice(mail({ subject: 'Boats' }), { naming: [naming(1, false)] })).toBe('1 by late-original');
    expect(choice(mail({ subject: 'Boats' }), { naming: [naming(1, false, 'Ships')] })).toBe('new');
  });

  it('prefer their direct reply, and an ancestor over both', () => {
    expect(choice(mail({ subject: 'Boats' }), { naming: [naming(1, false), naming(2, true)] })).toBe('2 by late-original');
    expect(choice(mail({ inReplyTo: ['<a@x>'] }), { named: [held('a@x', 3)], naming: [naming(1, true)] })).toBe('3 by in-reply-to');
  });
});

it('everything else starts a thread', () => {
  expect(choice(mail())).toBe('new');
  expect(choice(mail({ messageId: null, subject: '' }))).toBe('new');
  expect(choice(mail({ inReplyTo: ['<unknown@x>'], references: ['<unknown@x>'] }))).toBe('new');
});

it('names the ids to look up once each, strongest first, and never itself', () => {
  const headers = mail({ messageId: '<me@x>', inReplyTo: ['<c@x>', ' '], references: ['<a@x>', ' <b@x> ', '<me@x>', '<c@x>', '<b@x>'] });
  expect(namedIds(headers)).toEqual(['c@x', 'b@x', 'a@x']);
  expect(choice(headers, { named: [held('me@x', 1)] })).toBe('new');
});

it('compares Message-IDs without brackets, and their letters exactly', () => {
  expect([' <A@x> ', 'A@x', '<A@x', '<a@x>'].map(normaliseMessageId)).toEqual(['A@x', 'A@x', 'A@x', 'a@x']);
});
