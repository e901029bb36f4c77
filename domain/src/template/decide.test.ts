import type { TemplateId } from '@tidings/contracts/ids';
import { describe, expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, mailboxNo, templateNo } from '../testing/people.ts';
import { domainTemplateRemoved, domainTemplateSaved, templateRemoved, templateSaved } from './events.ts';
import { fill, signatureFor, template, type TemplateState, unknownIn } from './index.ts';

const given = specify(template);
const owner = { mailboxId: mailboxNo(1) };
const content = { name: 'Formal', subject: '', text: 'Kind regards', html: '' };
const flags = { isActive: true, isForced: false, isDefault: false };
const data = (templateId: TemplateId, more: object = {}) => ({
  ...owner,
  templateId,
  kind: 'signature' as const,
  content,
  ...flags,
  by: alice,
  ...more,
});
const save = (templateId: TemplateId, more: object = {}) =>
  ({ type: 'SaveTemplate', owner, templateId, kind: 'signature', content, ...flags, by: alice, ...more }) as const;
const [first, second] = [templateNo(1), templateNo(2)];

describe('templates', () => {
  it('are saved, changed and removed', () => {
    given()
      .when(save(first))
      .then(templateSaved(data(first)));
    given(templateSaved(data(first)))
      .when(save(first))
      .thenNothing();
    const other = { ...content, text: 'Yours' };
    given(templateSaved(data(first)))
      .when(save(first, { content: other }))
      .then(templateSaved(data(first, { content: other })));
    const remove = { type: 'RemoveTemplate', owner, templateId: first, by: alice } as const;
    const removed = templateRemoved({ ...owner, templateId: first, by: alice });
    given(templateSaved(data(first)))
      .when(remove)
      .then(removed);
    given(templateSaved(data(first)), removed)
      .when(remove)
      .thenNothing();
  });

  it('have one default and one forced of each kind', () => {
    given(templateSaved(data(first, { isDefault: true, isForced: true })))
      .when(save(second, { isDefault: true }))
      .then(templateSaved(data(first, { isForced: true })), templateSaved(data(second, { isDefault: true })));
    given(templateSaved(data(first, { kind: 'message', isDefault: true })))
      .when(save(second, { isDefault: true }))
      .then(templateSaved(data(second, { isDefault: true })));
  });

  it('that are not active are neither, and only signatures are forced', () => {
    given()
      .when(save(first, { isActive: false, isDefault: true, isForced: true }))
      .then(templateSaved(data(first, { isActive: false })));
    given()
      .when(save(first, { kind: 'message', isForced: true }))
      .then(templateSaved(data(first, { kind: 'message' })));
  });

  it('may be of a domain', () => {
    const domain = { domain: 'tidings.test' };
    const { mailboxId: _mailboxId, ...rest } = data(first);
    given()
      .when({ ...save(first), owner: domain })
      .then(domainTemplateSaved({ ...domain, ...rest }));
    given(domainTemplateSaved({ ...domain, ...rest }))
      .when({ type: 'RemoveTemplate', owner: domain, templateId: first, by: alice })
      .then(domainTemplateRemoved({ ...domain, templateId: first, by: alice }));
  });
});

it('the signature is the domain’s forced one, the mailbox’s forced one, or the chosen one', () => {
  const state = (...all: readonly object[]): TemplateState =>
    new Map(
      all.map((more, at) => {
        const templateId = templateNo(at + 1);
        return [templateId, { templateId, kind: 'signature' as const, content, ...flags, ...more }];
      }),
    );
  const none = state();
  expect(signatureFor(state({}), none, first)?.templateId).toBe(first);
  expect(signatureFor(state({}), none, second)).toBeNull();
  expect(signatureFor(state({}), none, null)).toBeNull();
  expect(signatureFor(state({ isActive: false }), none, first)).toBeNull();
  expect(signatureFor(state({}, { isForced: true }), none, first)?.templateId).toBe(second);
  expect(signatureFor(state({}, { isForced: true }), state({ isForced: true }), null)?.templateId).toBe(first);
  expect(signatureFor(none, state({}), first)?.templateId).toBe(first);
});

describe('placeholders', () => {
  const values = new Map([
    ['name', 'Ann <b>'],
    ['ville', 'Nœud\nville'],
  ]);
  it('are filled in, in HTML as text', () => {
    const text = { subject: 'À {{ville}}', text: '{{ name }}', html: '<b>{{name}}</b>' };
    expect(unknownIn(text, values)).toEqual([]);
    expect(fill(text, values)).toEqual({ subject: 'À Nœud ville', text: 'Ann <b>', html: '<b>Ann &lt;b&gt;</b>' });
  });
  it('that nobody knows are named', () => {
    const text = { subject: '{{a}}', text: '{{name}} {{b}} {{a}}', html: '{c} {{ d e }}' };
    expect(unknownIn(text, values)).toEqual(['a', 'b']);
    expect(fill(text, values).subject).toBe('{{a}}');
  });
});
