import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerSubject, recipientsOf, referencesOf } from './answer.ts';
import { baseSubject } from './base-subject.ts';

const who = (...names: string[]) => names.map((name) => ({ name: null, email: `${name}@x.test` }));
const mail = { from: who('ann'), replyTo: [], to: who('us', 'bob'), cc: who('carl', 'bob'), isOurs: false };
const own = new Set(['us@x.test', 'alias@x.test']);

describe('an answer goes to', () => {
  it.each([
    ['reply', mail, who('ann'), []],
    ['reply', { ...mail, replyTo: who('list') }, who('list'), []],
    ['reply-all', mail, who('ann', 'bob'), who('carl')],
    ['reply-all', { ...mail, replyTo: who('list'), cc: who('alias') }, who('list', 'bob'), []],
    ['reply-all', { ...mail, from: who('us'), to: who('us'), cc: [] }, who('us'), []],
    ['reply', { ...mail, isOurs: true, to: who('bob'), cc: who('carl') }, who('bob'), []],
    ['reply-all', { ...mail, isOurs: true, to: who('bob'), cc: who('carl', 'bob') }, who('bob'), who('carl')],
    ['forward', mail, [], []],
  ] as const)('%s %#', (mode, answered, to, cc) => expect(recipientsOf(mode, answered, own)).toEqual({ to, cc }));
});

describe('its subject', () => {
  it.each([
    ['reply', 'Test', 'Re: Test'],
    ['reply', 'Re: Test', 'Re: Test'],
    ['reply', 'RE[2]: re: Test', 'Re: Test'],
    ['reply', 'Fwd: Test', 'Re: Fwd: Test'],
    ['reply', 'AW: Test', 'AW: Test'],
    ['reply', 'WG: Test', 'AW: WG: Test'],
    ['reply', 'TR : Test', 'RE: TR : Test'],
    ['reply', '回复：Test', '回复: Test'],
    ['reply', '', 'Re:'],
    ['forward', 'Test', 'Fwd: Test'],
    ['forward', 'Re: Test', 'Fwd: Re: Test'],
    ['forward', 'FW: Test', 'Fwd: Test'],
    ['forward', 'AW: Test', 'WG: AW: Test'],
    ['forward', 'Todo: Test', 'Fwd: Todo: Test'],
  ] as const)('%s %j → %j', (mode, subject, expected) => expect(answerSubject(mode, subject)).toBe(expected));

  it('keeps the conversation together', () => {
    const prefix = fc.constantFrom('', 'Re: ', 'AW: ', 'WG: ', 'TR : ', 'SV: ', '회신: ', 'Odp: ', 'Re[3]: Fwd: ', '[list] ');
    fc.assert(
      fc.property(prefix, fc.string(), fc.constantFrom('reply' as const, 'forward' as const), (before, text, mode) => {
        expect(baseSubject(answerSubject(mode, before + text))).toBe(baseSubject(before + text));
      }),
    );
  });
});

describe('its references', () => {
  it('are all that came before, the parent last', () => {
    expect(referencesOf({ messageId: 'c', inReplyTo: ['b'], references: ['a', 'b'] })).toEqual(['a', 'b', 'c']);
    expect(referencesOf({ messageId: 'c', inReplyTo: ['b'], references: [] })).toEqual(['b', 'c']);
    expect(referencesOf({ messageId: 'c', inReplyTo: ['a', 'b'], references: [] })).toEqual(['c']);
    expect(referencesOf({ messageId: null, inReplyTo: [], references: ['a'] })).toEqual(['a']);
  });
  it('keep the root and the latest of a long conversation', () => {
    const references = Array.from({ length: 300 }, (_, at) => `m${at}`);
    const all = referencesOf({ messageId: 'last', inReplyTo: [], references });
    expect([all.length, all[0], all[1], all.at(-1)]).toEqual([100, 'm0', 'm202', 'last']);
  });
});
