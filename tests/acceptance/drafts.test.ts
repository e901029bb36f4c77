/** Mail while it is written, as those who write it see it: by several at once, as an answer, with files, and by whom it may be seen. */
import type { Draft, DraftListed, UploadedFile } from '@tidings/contracts/http/drafts';
import type { Template } from '@tidings/contracts/http/templates';
import type { Email, MailboxCounts, MailPage, Me, Thread } from '@tidings/contracts/http/mail-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import type { Listening } from '../../services/sse/src/testing/listening.ts';
import { simpleParser } from 'mailparser';
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { forbidden, invalid, type MailClient, type SharedMailTown, missing, joinMailTown } from './mail-kit.ts';

let town: SharedMailTown<'ann' | 'bob' | 'viewer' | 'eve'>;
let team: string;
let other: string;
let address: string;
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

beforeAll(async () => {
  town = await joinMailTown(['ann', 'bob', 'viewer', 'eve']);
  team = await town.openShared('team', { ann: 'sender', bob: 'editor', viewer: 'viewer' });
  other = await town.openShared('other', { ann: 'sender', eve: 'admin' });
  address = 'team@tidings.test';
});

const begin = (by: MailClient, body: object = {}, mailbox = team): Promise<Draft> =>
  by.ask('POST', `/api/mailboxes/${mailbox}/drafts`, body);
const upload = async (
  by: MailClient,
  content: string | Uint8Array<ArrayBuffer>,
  name: string,
  mailbox = team,
  type?: string,
): Promise<UploadedFile> => {
  const body = new FormData();
  body.append('file', new Blob([content], type === undefined ? {} : { type }), name);
  const headers = { authorization: `Bearer ${by.token}` };
  const response = await fetch(`${town.program.httpUrl}/api/blobs?mailboxId=${mailbox}`, { method: 'POST', headers, body });
  expect(response.status).toBe(200);
  return (await response.json()) as UploadedFile;
};

describe('a draft', () => {
  it('begins empty, from its mailbox, and is saved as its writers go on', async () => {
    const { ann, viewer, eve } = town.as;
    const draft = await begin(ann);
    expect(draft).toMatchObject({
      mailboxId: team,
      revision: 1,
      from: { name: 'team', email: address },
      to: [],
      subject: '',
      sending: null,
    });
    const fields = { to: [{ name: 'Zoë', email: 'Zoe@Elsewhere.test' }], subject: 'Bonjour', html: '<p>Salut <script>x</script></p>' };
    const saved = await ann.ask<Draft>('PUT', `/api/drafts/${draft.id}`, { revision: 1, ...fields });
    expect(saved).toMatchObject({
      revision: 2,
      to: [{ name: 'Zoë', email: 'zoe@elsewhere.test' }],
      subject: 'Bonjour',
      html: '<p>Salut </p>',
    });
    expect(await viewer.ask('GET', `/api/drafts/${draft.id}`)).toEqual(saved);
    const [listed] = (await viewer.ask<MailPage<DraftListed>>('GET', `/api/mailboxes/${team}/drafts?limit=1`)).content;
    expect(listed).toMatchObject({ id: draft.id, subject: 'Bonjour', preview: 'Salut', updatedBy: ann.id });

    expect(await viewer.refused('PUT', `/api/drafts/${draft.id}`, { revision: 2 })).toEqual(forbidden);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect(await eve.refused(method, `/api/drafts/${draft.id}`, method === 'PUT' ? { revision: 2 } : undefined)).toEqual(missing);
    }
  });

  it('loses nobody’s words: who is late gets what the others wrote', async () => {
    const { ann, bob } = town.as;
    const { id } = await begin(ann, { text: 'one' });
    const path = `/api/drafts/${id}`;
    await ann.ask('PUT', path, { revision: 1, text: 'one, two' });
    const late = await bob.call('PUT', path, { revision: 1, text: 'one, three' });
    const problem = (await late.json()) as Problem & { readonly present: Draft };
    expect([late.status, problem.code, problem.errors?.[0]?.path]).toEqual([409, 'CONFLICT', 'revision']);
    expect(problem.present).toMatchObject({ id, revision: 2, text: 'one, two', updatedBy: ann.id });
    const merged = await bob.ask<Draft>('PUT', path, { text: 'one, two, three' }, { 'if-match': '"2"' });
    expect(merged).toMatchObject({ revision: 3, updatedBy: bob.id });
    expect(await ann.refused('PUT', path, { text: 'x' })).toEqual(invalid('revision'));

    const saves = await Promise.all(Array.from({ length: 8 }, (_, at) => ann.call('PUT', path, { revision: 3, text: `writer ${at}` })));
    expect(saves.map(({ status }) => status).toSorted()).toEqual([200, ...Array.from({ length: 7 }, () => 409)]);
  });

  it('is not changed by the same content again, and long ones stay out of the log', async () => {
    const { ann } = town.as;
    const text = 'a long story '.repeat(20_000);
    const { id } = await begin(ann, { text });
    for (let again = 0; again < 3; again += 1) {
      expect(await ann.ask<Draft>('PUT', `/api/drafts/${id}`, { revision: 1, text })).toMatchObject({ revision: 1, text });
    }
    expect(
      await ann.refused('PUT', `/api/drafts/${id}`, { revision: 1, text: 'x'.repeat(2_700_000), html: 'x'.repeat(2_600_000) }),
    ).toEqual([413, 'CONTENT_TOO_LARGE']);
  });

  it('tells each fault by its field', async () => {
    const { ann } = town.as;
    const { id } = await begin(ann);
    const refused = (body: object) => ann.refused('PUT', `/api/drafts/${id}`, { revision: 1, ...body });
    expect(await refused({ subject: 'a\r\nBcc: x@y.test' })).toEqual(invalid('subject'));
    expect(await refused({ to: [{ email: 'ok@x.test' }, { email: 'nobody' }] })).toEqual(invalid('to.1.email'));
    expect(await refused({ to: [{ name: 'a\nb', email: 'ok@x.test' }] })).toEqual(invalid('to.0.name'));
    expect(await refused({ from: { email: 'bob@tidings.test' } })).toEqual(invalid('from.email'));
    expect(await refused({ attachments: [{ blobId: 'f'.repeat(64) }] })).toEqual(invalid('attachments.0.blobId'));
    expect(await refused({ unsubscribe: 'http://x.test/' })).toEqual(invalid('unsubscribe'));
    expect(await refused({ signatureId: randomUUID() })).toEqual(invalid('signatureId'));
    expect(await ann.ask<Draft>('GET', `/api/drafts/${id}`)).toMatchObject({ revision: 1 });
  });

  it('goes when it is thrown away', async () => {
    const { ann, bob } = town.as;
    const { id } = await begin(ann);
    await bob.ask('DELETE', `/api/drafts/${id}`);
    await bob.ask('DELETE', `/api/drafts/${id}`).catch(() => undefined);
    expect(await ann.refused('GET', `/api/drafts/${id}`)).toEqual(missing);
    expect(await ann.refused('PUT', `/api/drafts/${id}`, { revision: 1 })).toEqual(missing);
  });

  it('moves to another mailbox with all that is in it, and is told of in both', async () => {
    const { ann, bob, eve } = town.as;
    const [teams, others] = await Promise.all([town.listen('bob'), town.listen('eve')]);
    const file = await upload(ann, 'minutes', 'minutes.txt');
    const { id } = await begin(ann, { text: 'stays', attachments: [{ blobId: file.blobId }] });
    expect(await bob.refused('PUT', `/api/drafts/${id}`, { revision: 1, mailboxId: other })).toEqual(missing);
    const moved = await ann.ask<Draft>('PUT', `/api/drafts/${id}`, { revision: 1, mailboxId: other });
    expect(moved).toMatchObject({ id, revision: 2, mailboxId: other, from: { email: 'other@tidings.test' }, text: 'stays' });
    expect(moved.attachments).toMatchObject([{ blobId: file.blobId, name: 'minutes.txt' }]);
    expect(await bob.refused('GET', `/api/drafts/${id}`)).toEqual(missing);
    expect(await (await eve.call('GET', `/api/blobs/${file.blobId}`)).text()).toBe('minutes');
    const hears = (change: string) => (listening: Listening) =>
      listening.heard.some(({ event }) => event.type === 'DraftChanged' && event.draftId === id && event.change === change);
    await teams.until(hears('moved'));
    await others.until(hears('saved'));
    teams.close();
    others.close();
  });
});

describe('files', () => {
  it('are for who may read what they are in', async () => {
    const { ann, viewer, eve, bob } = town.as;
    const file = await upload(ann, Buffer.from(PIXEL, 'base64'), 'Zoë.png', team, 'image/png');
    expect(file).toMatchObject({ size: 70, type: 'image/png', name: 'Zoë.png' });
    const got = await viewer.call('GET', `/api/blobs/${file.blobId}`);
    expect([got.status, got.headers.get('content-type'), got.headers.get('content-disposition')]).toEqual([
      ...[200, 'image/png', expect.stringContaining("filename*=UTF-8''Zo%C3%AB.png")],
    ]);
    expect(await eve.refused('GET', `/api/blobs/${file.blobId}`)).toEqual(missing);
    // Knowing an id is no right, also not by writing it into a draft of one's own.
    expect(await eve.refused('POST', `/api/mailboxes/${other}/drafts`, { attachments: [{ blobId: file.blobId }] })).toEqual(
      invalid('attachments.0.blobId'),
    );
    expect((await begin(bob, { attachments: [{ blobId: file.blobId, name: 'x.png', cid: 'a@b' }] })).attachments).toEqual([
      { blobId: file.blobId, name: 'x.png', type: 'image/png', size: 70, cid: 'a@b' },
    ]);
  });

  it('are refused over 20 MiB, and to who may not write', async () => {
    const { ann, viewer } = town.as;
    const post = async (by: MailClient, bytes: number): Promise<number> => {
      const body = new FormData();
      body.append('file', new Blob([new Uint8Array(bytes)]), 'zeros');
      const headers = { authorization: `Bearer ${by.token}` };
      return (await fetch(`${town.program.httpUrl}/api/blobs?mailboxId=${team}`, { method: 'POST', headers, body })).status;
    };
    expect(await post(ann, 20 * 1024 * 1024 + 1)).toBe(413);
    expect(await post(viewer, 1)).toBe(403);
  });
});

describe('an answer', () => {
  let mail: Email;
  beforeAll(async () => {
    mail = await town.send('ann', {
      from: 'Jean <jean@elsewhere.test>',
      to: [address, 'Carl <carl@elsewhere.test>'],
      cc: ['dora@elsewhere.test'],
      subject: 'TR : Devis',
      text: 'Bonjour,\n> quoted\nvoici.',
      html: '<p>Bonjour <img src="cid:logo"></p><script>x</script>',
      messageId: '<devis@elsewhere.test>',
      references: ['<first@elsewhere.test>'],
      attachments: [
        { filename: 'logo.png', cid: 'logo', content: Buffer.from(PIXEL, 'base64') },
        { filename: 'devis.pdf', content: 'PDF' },
      ],
    });
  });
  const answer = (mode: string, more: object = {}): Promise<Draft> =>
    begin(town.as.ann, { inReplyTo: { emailId: mail.id, mode }, ...more }, mail.mailboxId);

  it('goes to who wrote, quotes them and shows on the thread', async () => {
    const { ann } = town.as;
    const draft = await answer('reply');
    expect(draft).toMatchObject({
      threadId: mail.threadId,
      to: [{ name: 'Jean', email: 'jean@elsewhere.test' }],
      cc: [],
      subject: 'RE: TR : Devis',
      inReplyTo: { emailId: mail.id, mode: 'reply' },
    });
    expect(draft.text).toContain('Jean <jean@elsewhere.test> wrote:\n> Bonjour,\n>> quoted\n> voici.');
    expect(draft.html).toMatch(/<blockquote[^>]*><p>Bonjour <img src="cid:[^"]+@quoted" \/><\/p>/);
    expect(draft.attachments).toMatchObject([{ name: 'logo.png', type: 'image/png', size: 70 }]);
    const thread = `/api/threads/${mail.threadId}?mailboxId=${mail.mailboxId}`;
    expect((await ann.ask<Thread>('GET', thread)).hasDraft).toBe(true);
    const inView = async () => (await ann.ask<MailPage<Thread>>('GET', `/api/mailboxes/${mail.mailboxId}/threads?view=drafts`)).content;
    expect((await inView()).map(({ id }) => id)).toEqual([mail.threadId]);
    const counts = await ann.ask<MailboxCounts>('GET', `/api/mailboxes/${mail.mailboxId}/counts`);
    expect(counts.views.drafts.threads).toBeGreaterThan(0);
    await ann.ask('DELETE', `/api/drafts/${draft.id}`);
    expect((await ann.ask<Thread>('GET', thread)).hasDraft).toBe(false);
    expect(await inView()).toEqual([]);
  });

  it('to all leaves out ourselves', async () => {
    const { to, cc } = await answer('reply-all');
    expect(to.map(({ email }) => email)).toEqual(['jean@elsewhere.test', 'carl@elsewhere.test']);
    expect(cc.map(({ email }) => email)).toEqual(['dora@elsewhere.test']);
  });

  it('may be a forward with what is attached', async () => {
    const { ann } = town.as;
    const draft = await answer('forward', { to: [{ email: 'boss@elsewhere.test' }] });
    expect(draft).toMatchObject({ to: [{ email: 'boss@elsewhere.test' }], cc: [], subject: 'TR: Devis' });
    expect(draft.attachments.map(({ name }) => name)).toEqual(['logo.png', 'devis.pdf']);
    expect(draft.text).toContain('From: Jean <jean@elsewhere.test>');
    const pdf = draft.attachments.find(({ name }) => name === 'devis.pdf');
    expect(await (await ann.call('GET', `/api/blobs/${pdf?.blobId ?? ''}`)).text()).toBe('PDF');
  });

  it('is of mail that is in the mailbox, in threads that it may write in', async () => {
    const { ann, eve } = town.as;
    const { mailboxes } = await eve.ask<Me>('GET', '/api/me');
    const lent = mailboxes.find(({ id }) => id !== other)?.id ?? '';
    const asked = { inReplyTo: { emailId: mail.id, mode: 'reply' } };
    expect(await eve.refused('POST', `/api/mailboxes/${lent}/drafts`, asked)).toEqual(missing);
    await ann.ask('PUT', `/api/threads/${mail.threadId}/mailboxes/${lent}`, { role: 'viewer' });
    expect(await eve.refused('POST', `/api/mailboxes/${lent}/drafts`, asked)).toEqual(forbidden);
    await ann.ask('PUT', `/api/threads/${mail.threadId}/mailboxes/${lent}`, { role: 'editor' });
    const draft = await eve.ask<Draft>('POST', `/api/mailboxes/${lent}/drafts`, asked);
    expect(draft.threadId).toBe(mail.threadId);
    // Taken back meanwhile: what was written stays.
    await ann.ask('DELETE', `/api/threads/${mail.threadId}/mailboxes/${lent}`);
    expect(await eve.ask<Draft>('GET', `/api/drafts/${draft.id}`)).toMatchObject({ text: draft.text });
    const detached = await eve.ask<Draft>('PUT', `/api/drafts/${draft.id}`, { revision: 1, inReplyTo: null });
    expect(detached).toMatchObject({ threadId: null, inReplyTo: null, text: draft.text });
  });
});

describe('templates and signatures', () => {
  const put = (by: MailClient, path: string, body: object) => by.ask<Template>('PUT', path, body);
  const list = async (by: MailClient, what: string, mailbox = other) =>
    (await by.ask<{ readonly content: readonly Template[] }>('GET', `/api/mailboxes/${mailbox}/${what}`)).content;
  const textOf = async (by: MailClient, draft: Draft): Promise<string> => {
    const { emailId } = await by.ask<{ readonly emailId: string }>('POST', `/api/drafts/${draft.id}/send`, { undoSeconds: 0 });
    await expect.poll(() => by.status('GET', `/api/emails/${emailId}`), { timeout: 60_000, interval: 50 }).toBe(200);
    return (await simpleParser(await (await by.call('GET', `/api/emails/${emailId}/raw`)).text())).text?.trim() ?? '';
  };
  const to = [{ name: 'Zoë', email: 'zoe@elsewhere.test' }];

  it('begin a mail, with what they are filled in', async () => {
    const { ann, eve } = town.as;
    const id = randomUUID();
    const html = '<p>Dear {{ recipient_name }} <script>x</script></p>';
    const body = { name: 'Permit', subject: 'Permit {{number}}', text: 'Dear {{recipient_name}}', html };
    const saved = await put(eve, `/api/mailboxes/${other}/templates/${id}`, body);
    expect(saved).toMatchObject({ id, scope: 'mailbox', html: '<p>Dear {{ recipient_name }} </p>', isActive: true });
    expect(await list(ann, 'templates')).toEqual([saved]);
    expect(await list(ann, 'signatures')).toEqual([]);
    expect(await ann.refused('PUT', `/api/mailboxes/${other}/templates/${id}`, body)).toEqual(forbidden);
    const drafts = `/api/mailboxes/${other}/drafts`;
    expect(await ann.refused('POST', drafts, { templateId: id })).toEqual(invalid('values.number', 'values.recipient_name'));
    const filled = { templateId: id, to: [{ name: '<Zoë>', email: 'zoe@elsewhere.test' }], values: { number: '7' } };
    expect(await begin(ann, filled, other)).toMatchObject({ subject: 'Permit 7', text: 'Dear <Zoë>', html: '<p>Dear &lt;Zoë&gt; </p>' });
    await put(eve, `/api/mailboxes/${other}/templates/${id}`, { name: 'Link', html: '<a href="{{to}}">here</a>' });
    const linked = { templateId: id, values: { to: 'javascript:alert(1)' } };
    expect(await begin(ann, linked, other)).toMatchObject({ html: '<a>here</a>' });
    await eve.ask('DELETE', `/api/mailboxes/${other}/templates/${id}`);
    expect(await ann.refused('POST', drafts, { templateId: id })).toEqual(invalid('templateId'));
  });

  it('stand below what is sent: the chosen one, unless one is forced', { timeout: 240_000 }, async () => {
    const { ann, eve } = town.as;
    const [own, forced, imprint] = [randomUUID(), randomUUID(), randomUUID()];
    await put(eve, `/api/mailboxes/${other}/signatures/${own}`, { name: 'Own', text: '{{name}}, {{mailbox_name}}', isDefault: true });
    const draft = await begin(ann, { to, text: 'Hello' }, other);
    expect(draft.signatureId).toBe(own);
    expect(await textOf(ann, draft)).toBe('Hello\n\n-- \nann, other');
    expect(await textOf(ann, await begin(ann, { to, text: 'Hello', signatureId: null }, other))).toBe('Hello');
    await put(eve, `/api/mailboxes/${other}/signatures/${forced}`, { name: 'Forced', text: 'Forced', isForced: true });
    expect(await textOf(ann, await begin(ann, { to, text: 'Hello' }, other))).toBe('Hello\n\n-- \nForced');
    const domain = `/api/domains/tidings.test/signatures/${imprint}`;
    expect(await eve.refused('PUT', domain, { name: 'x' })).toEqual(missing);
    await put(town.admin, domain, { name: 'Imprint', text: 'Town of Tidings', isForced: true });
    expect((await list(ann, 'signatures')).map(({ name, scope }) => `${scope} ${name}`)).toEqual([
      ...['mailbox Forced', 'domain Imprint', 'mailbox Own'],
    ]);
    expect(await textOf(ann, await begin(ann, { to, text: 'Hello' }, other))).toBe('Hello\n\n-- \nTown of Tidings');
    await town.admin.ask('DELETE', domain);
  });
});

it('drafts are listed page by page, the one saved last first', async () => {
  const { eve } = town.as;
  const ids: string[] = [];
  for (let at = 0; at < 3; at += 1) ids.unshift((await begin(eve, { subject: `${at}` }, other)).id);
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: MailPage<DraftListed> = await eve.ask(
      'GET',
      `/api/mailboxes/${other}/drafts?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`,
    );
    seen.push(...page.content.map(({ id }) => id));
    cursor = page.cursor;
  }
  expect(seen.slice(0, 3)).toEqual(ids);
  expect(new Set(seen).size).toBe(seen.length);
});
