/** Mail to the servers that most of the world's mail goes to: delivered, kept waiting, refused, each as the sender sees it. */
import type { Draft, Sending } from '@tidings/contracts/http/drafts';
import type { Delivery } from '@tidings/contracts/http/mail-objects';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type MailTown, openMailTown } from '../acceptance/mail-kit.ts';
import { openAuthority } from '../kit/certificates.ts';
import { eximLacks, startExim } from '../kit/exim.ts';
import { startGreylist } from '../kit/greylist.ts';
import { postfixLacks, startPostfix } from '../kit/postfix.ts';

interface Peer {
  readonly port: number;
  readonly mails: () => Promise<readonly string[]>;
  readonly know: () => Promise<void>;
  /** Where its bounces for us go; absent where it sends none. */
  readonly bouncesTo?: (port: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const authority = openAuthority();
const certificate = authority.issue({ alternatives: ['localhost'] });

const postfix = async (domain: string): Promise<Peer> => {
  const home = await mkdtemp(join(tmpdir(), 'tidings-peer-'));
  await writeFile(join(home, 'key.pem'), certificate.key);
  await writeFile(join(home, 'cert.pem'), certificate.cert);
  await writeFile(join(home, 'headers'), '/^Subject: .*lottery/ REJECT 5.7.1 No lotteries\n');
  // Read when the first mail is on its way.
  const ways = join(home, 'transport');
  const greylist = await startGreylist(`grey@${domain}`);
  const server = await startPostfix({
    ...{ virtual_mailbox_domains: domain, virtual_mailbox_maps: `inline:{ {ann@${domain} = inbox/}, {grey@${domain} = inbox/} }` },
    // Taken, and found out later to be nobody's.
    ...{ virtual_alias_maps: `inline:{ {moved@${domain} = gone@void.example} }`, transport_maps: `texthash:${ways}` },
    ...{ mynetworks: '192.0.2.1', header_checks: `regexp:${join(home, 'headers')}` },
    smtpd_recipient_restrictions: `reject_unauth_destination, reject_unlisted_recipient, check_policy_service ${greylist.service}`,
    ...{ smtpd_tls_security_level: 'may', smtpd_tls_key_file: join(home, 'key.pem'), smtpd_tls_cert_file: join(home, 'cert.pem') },
  });
  return {
    port: server.port,
    mails: () => server.mails(),
    know: async () => greylist.know(),
    bouncesTo: (port) => writeFile(ways, `void.example error:5.1.6 Nobody lives here any more\ntidings.test smtp:[127.0.0.1]:${port}\n`),
    stop: async () => {
      await server.stop();
      await greylist.close();
      await rm(home, { recursive: true });
    },
  };
};

const PEERS = [
  { name: 'Postfix', domain: 'postfix.example', lack: postfixLacks(), start: postfix },
  { name: 'Exim', domain: 'exim.example', lack: eximLacks(), start: (domain: string) => startExim(domain, certificate) },
];
const able = PEERS.filter(({ lack }) => lack === null);

const peers = new Map<string, Peer>();
let town: MailTown<'ada'>;
let team: string;
let home: string;
beforeAll(async () => {
  if (able.length === 0) return;
  home = await mkdtemp(join(tmpdir(), 'tidings-peers-'));
  await writeFile(join(home, 'ca.pem'), authority.cert);
  for (const { domain, start } of able) peers.set(domain, await start(domain));
  const routes = able.map(({ domain }) => `${domain}=smtp://localhost:${peers.get(domain)?.port}?tls=verify`);
  town = await openMailTown(['ada'], { EGRESS_ROUTES: routes.join(','), NODE_EXTRA_CA_CERTS: join(home, 'ca.pem') });
  team = await town.openShared('team', { ada: 'sender' });
  for (const peer of peers.values()) await peer.bouncesTo?.(town.program.smtpPort);
}, 180_000);
afterAll(async () => {
  if (able.length === 0) return;
  await town.close();
  for (const peer of peers.values()) await peer.stop();
  await rm(home, { recursive: true });
});

const send = async (subject: string, recipients: readonly string[]): Promise<string> => {
  const { ask } = town.as.ada;
  const body = { to: recipients.map((email) => ({ email })), subject, text: 'Grüße aus der Stadt\n.\n.. und Punkte' };
  const draft = await ask<Draft>('POST', `/api/mailboxes/${team}/drafts`, body);
  return (await ask<typeof Sending._A>('POST', `/api/drafts/${draft.id}/send`, { undoSeconds: 0 })).emailId;
};
const soon = { timeout: 60_000, interval: 50 };
const settled = async (emailId: string, ...statuses: readonly string[]): Promise<readonly Delivery[]> => {
  const look = () => town.as.ada.ask<{ readonly content: readonly Delivery[] }>('GET', `/api/emails/${emailId}/deliveries`);
  return vi.waitFor(async () => {
    const { content } = await look();
    expect(content.map(({ status }) => status)).toEqual(statuses);
    return content;
  }, soon);
};

describe.each(PEERS)('$name', ({ name, domain, lack }) => {
  it.skipIf(lack !== null)(`is sent to${lack === null ? '' : ` (${lack})`}`, { timeout: 180_000 }, async ({ annotate }) => {
    await annotate(`engine: ${name} of Debian, over TLS`);
    const peer = peers.get(domain);
    if (peer === undefined) throw new Error('it was not started');
    const emailId = await send('Straßenfest, süß', [`ann@${domain}`, `grey@${domain}`, `nobody@${domain}`]);
    const told = await settled(emailId, 'delivered', 'deferred', 'failed');
    expect(told).toMatchObject([
      { mx: 'localhost', tls: expect.stringMatching(/^TLSv1\.[23] verified$/), lastReply: expect.stringMatching(/^250 /), attempts: 1 },
      { enhancedCode: '4.7.1', lastReply: expect.stringContaining('Greylisted, come again'), nextAttemptAt: expect.any(String) },
      { enhancedCode: '5.1.1', lastReply: expect.stringMatching(/^550 5\.1\.1/), nextAttemptAt: null },
    ]);

    await peer.know();
    await town.as.ada.ask('POST', `/api/emails/${emailId}/deliveries/${encodeURIComponent(`grey@${domain}`)}/retry`);
    await settled(emailId, 'delivered', 'delivered', 'failed');
    await vi.waitFor(async () => expect(await peer.mails()).toHaveLength(2), soon);
    const mails = await peer.mails();
    for (const mail of mails) {
      expect(mail).toMatch(/^Return-path: <bounce\+[^@]+@tidings\.test>/im);
      expect(mail).toMatch(/^Subject: =\?UTF-8\?/m);
      expect(mail).toMatch(/^DKIM-Signature: /m);
    }

    const refused = await settled(await send('You won the lottery', [`ann@${domain}`]), 'failed');
    expect(refused).toMatchObject([{ enhancedCode: '5.7.1', lastReply: expect.stringContaining('No lotteries') }]);
    expect(await peer.mails()).toHaveLength(2);

    if (peer.bouncesTo === undefined) return;
    // It finds out that nobody is there only after it took the mail.
    const bounced = await settled(await send('Are you still there?', [`moved@${domain}`]), 'failed');
    expect(bounced).toMatchObject([
      {
        ...{ enhancedCode: '5.1.6', lastReply: expect.stringContaining('Nobody lives here any more'), attempts: 1 },
        report: { fate: 'failed', by: 'postfix.test' },
      },
    ]);
  });
});
