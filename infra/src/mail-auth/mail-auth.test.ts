import { generateKeyPairSync } from 'node:crypto';
import type { MailAuthenticator } from '@tidings/contracts/ports/mail-checks';
import { dkimSign, sealMessage } from 'mailauth';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { dnsOf, type Zone } from '../dns/zone.ts';
import { readReply } from '../mime/read-reply.ts';
import { openMailAuth, UNKNOWN, type MailAuthOptions } from './mail-auth.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const weak = generateKeyPairSync('rsa', { modulusLength: 768 });
const ed25519 = generateKeyPairSync('ed25519');
const record = (key: typeof rsa.publicKey): string => `v=DKIM1; k=rsa; p=${key.export({ type: 'spki', format: 'der' }).toString('base64')}`;
const rawEd25519 = ed25519.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
const pem = ({ privateKey }: { readonly privateKey: typeof rsa.privateKey }): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

const CLIENT = { address: '203.0.113.7', helo: 'mx.town.example', mailFrom: 'ada@town.example' };
const OUTSIDER = { address: '198.51.100.66', helo: 'bad.example', mailFrom: 'ada@town.example' };

const TOWN: Zone = {
  'town.example TXT': ['v=spf1 ip4:203.0.113.7 -all'],
  '_dmarc.town.example TXT': ['v=DMARC1; p=reject'],
  'rsa._domainkey.town.example TXT': [record(rsa.publicKey)],
  'ed._domainkey.town.example TXT': [`v=DKIM1; k=ed25519; p=${rawEd25519}`],
  'weak._domainkey.town.example TXT': [record(weak.publicKey)],
  'seal._domainkey.list.example TXT': [record(rsa.publicKey)],
  'list.example TXT': ['v=spf1 ip4:198.51.100.66 -all'],
};

const MAIL = [
  'From: Ada <ada@town.example>',
  'To: team@tidings.test',
  'Subject: Minutes',
  'Date: Fri, 20 Nov 2026 10:00:00 +0100',
  'Message-ID: <1@town.example>',
  'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'As agreed.',
  '',
].join('\r\n');

const close = (auths: MailAuthenticator[]) => Promise.all(auths.splice(0).map((auth) => auth.close()));
const [open, shared]: [MailAuthenticator[], MailAuthenticator[]] = [[], []];
afterEach(() => close(open));
afterAll(() => close(shared));
const authOver = (zone: Zone, options: Partial<MailAuthOptions> = {}, closing = open) => {
  const dns = dnsOf(zone);
  const auth = openMailAuth({ dns, threads: 1, ...options });
  closing.push(auth);
  return {
    dns,
    check: (mail: string, client = CLIENT) => auth.authenticate(Buffer.from(mail, 'latin1'), client),
    checkAndRead: (mail: string, client = CLIENT) => auth.authenticateAndRead(Buffer.from(mail, 'latin1'), client),
  };
};

// A thread remembers answers, and its start costs more than the mails of a test: tests of which none changes what DNS says, or counts what it is asked,
// share one.
const inTown = authOver(
  { ...TOWN, 'rsa._domainkey.other.example TXT': [record(rsa.publicKey)], 'mail.town.example TXT': ['v=spf1 ip4:203.0.113.7 -all'] },
  {},
  shared,
);
const trusting = authOver(TOWN, { trustedSealers: ['list.example'] }, shared);

const signed = async (
  mail: string,
  selector: string,
  keys: { readonly privateKey: typeof rsa.privateKey },
  domain = 'town.example',
): Promise<string> => {
  const key = { signingDomain: domain, selector, privateKey: pem(keys), canonicalization: 'relaxed/relaxed' }; // its types want the first one twice
  const { signatures } = await dkimSign(mail, { ...key, signatureData: [key] });
  return `${signatures}${mail}`;
};
const sealed = async (mail: string, authResults: string): Promise<string> => {
  const seal = await sealMessage(mail, { signingDomain: 'list.example', selector: 'seal', privateKey: pem(rsa), authResults, cv: 'none' });
  return `${seal.toString()}${mail}`;
};

describe('SPF', () => {
  const cases = [
    ['the domain lists the peer', 'lists.example', 'v=spf1 ip4:203.0.113.0/24 -all', 'pass', 'pass'],
    ['the domain lists others', 'others.example', 'v=spf1 ip4:192.0.2.1 -all', 'fail', 'forged'],
    ['the domain is not sure', 'unsure.example', 'v=spf1 ip4:192.0.2.1 ~all', 'softfail', 'none'],
    ['the domain says nothing', 'nothing.example', 'v=spf1 ?all', 'none', 'none'],
    ['the record is broken', 'broken.example', 'v=spf1 ip4:nonsense -all', 'none', 'none'],
  ] as const;
  const { check } = authOver(
    {
      ...Object.fromEntries(cases.map(([, domain, spf]) => [`${domain} TXT`, [spf]])),
      'including.example TXT': ['v=spf1 include:_spf.host.example -all'],
      '_spf.host.example TXT': ['v=spf1 ip4:203.0.113.7 -all'],
      'mx.town.example TXT': ['v=spf1 ip4:203.0.113.7 -all'],
    },
    {},
    shared,
  );
  const checkOf = (domain: string) => check(MAIL.replaceAll('town.example', domain), { ...CLIENT, mailFrom: `ada@${domain}` });

  it.each(cases)('%s', async (_, domain, _spf, expected, verdict) => {
    expect(await checkOf(domain)).toEqual({ ...UNKNOWN, spf: expected, verdict });
  });

  it('follows include, and stops at ten look-ups', async () => {
    expect((await checkOf('including.example')).spf).toBe('pass');
    const chain = Object.fromEntries(
      Array.from({ length: 30 }, (_, n) => [`s${n}.example TXT`, [`v=spf1 include:s${n + 1}.example -all`]]),
    );
    const endless = authOver({ 'town.example TXT': ['v=spf1 include:s0.example -all'], ...chain });
    expect((await endless.check(MAIL)).spf).toBe('none');
    expect(endless.dns.asked.length).toBeLessThan(20);
  });

  it('is asked of the HELO name for a bounce', async () => {
    expect((await check(MAIL, { ...CLIENT, mailFrom: '' })).spf).toBe('pass');
  });
});

describe('DKIM', () => {
  it.each([
    ['rsa', rsa],
    ['ed', ed25519],
  ])('passes with a key of kind %s, whoever brings the mail', async (selector, keys) => {
    expect(await inTown.check(await signed(MAIL, selector, keys), OUTSIDER)).toEqual({
      spf: 'fail',
      dkim: 'pass',
      dmarc: 'pass',
      arc: 'none',
      verdict: 'pass',
    });
  });

  it('fails for a body or header that was changed, a weak key and a key that is gone', async () => {
    const { check } = inTown;
    const good = await signed(MAIL, 'rsa', rsa);
    expect(await check(good.replace('As agreed', 'As I say'), OUTSIDER)).toMatchObject({ dkim: 'fail', dmarc: 'fail', verdict: 'forged' });
    expect(await check(good.replace('Minutes', 'Invoice'), OUTSIDER)).toMatchObject({ dkim: 'fail', verdict: 'forged' });
    expect((await check(await signed(MAIL, 'weak', weak), OUTSIDER)).dkim).not.toBe('pass');
    expect((await check(await signed(MAIL, 'gone', rsa), OUTSIDER)).dkim).toBe('fail');
  });

  it('of another domain does not vouch for the author', async () => {
    expect(await inTown.check(await signed(MAIL, 'rsa', rsa, 'other.example'), OUTSIDER)).toMatchObject({
      dkim: 'pass',
      dmarc: 'fail',
      verdict: 'forged',
    });
  });

  it('is looked at for ten signatures, and a good one among them counts', async () => {
    const { check, dns } = authOver(TOWN);
    const fakes = Array.from(
      { length: 40 },
      (_, n) => `DKIM-Signature: v=1; a=rsa-sha256; d=f${n}.example; s=s; h=from; bh=AAAA; b=AAAA\r\n`,
    );
    const good = await signed(MAIL, 'rsa', rsa);
    const end = good.indexOf('From:');
    expect((await check(good.slice(0, end) + fakes.join('') + good.slice(end), OUTSIDER)).verdict).toBe('pass');
    expect(dns.asked.filter((question) => question.includes('_domainkey')).length).toBeLessThanOrEqual(10);
  });
});

describe('DMARC', () => {
  it('takes SPF of a sub-domain where alignment is relaxed, not where it is strict', async () => {
    const client = { ...CLIENT, mailFrom: 'bounce@mail.town.example' };
    expect(await inTown.check(MAIL, client)).toMatchObject({ spf: 'pass', dmarc: 'pass', verdict: 'pass' });
    const strict = {
      ...TOWN,
      'mail.town.example TXT': ['v=spf1 ip4:203.0.113.7 -all'],
      '_dmarc.town.example TXT': ['v=DMARC1; p=reject; aspf=s'],
    };
    expect(await authOver(strict).check(MAIL, client)).toMatchObject({ spf: 'pass', dmarc: 'fail', verdict: 'forged' });
  });

  it('forges nothing by a domain that only watches', async () => {
    const { check } = authOver({ ...TOWN, '_dmarc.town.example TXT': ['v=DMARC1; p=none'] });
    expect(await check(MAIL, OUTSIDER)).toMatchObject({ dmarc: 'fail', verdict: 'none' });
  });

  it('never passes two authors, in one field or two', async () => {
    const { check } = inTown;
    const two = MAIL.replace('From: Ada <ada@town.example>', 'From: ada@town.example, eve@evil.example');
    expect((await check(two)).verdict).toBe('none');
    expect((await check(`From: eve@evil.example\r\n${MAIL}`)).verdict).toBe('none');
    expect((await check(MAIL.replace(/^From:.*\r\n/, ''))).verdict).toBe('none');
  });
});

describe('ARC', () => {
  const seen = 'list.example; spf=pass smtp.mailfrom=town.example; dkim=pass header.d=town.example; dmarc=pass header.from=town.example';
  const byList = { address: '198.51.100.66', helo: 'list.example', mailFrom: 'bounce@list.example' };

  it('holds, and vouches for the author where we trust the sealer', async () => {
    const mail = await sealed(MAIL, seen);
    expect(await inTown.check(mail, byList)).toEqual({ spf: 'pass', dkim: 'none', dmarc: 'fail', arc: 'pass', verdict: 'forged' });
    expect(await trusting.check(mail, byList)).toMatchObject({ arc: 'pass', verdict: 'pass' });
    const failed = await sealed(MAIL, seen.replace('dmarc=pass', 'dmarc=fail'));
    expect(await trusting.check(failed, byList)).toMatchObject({
      arc: 'pass',
      verdict: 'forged',
    });
  });

  it('breaks with the mail', async () => {
    const mail = (await sealed(MAIL, seen)).replace('As agreed', 'As I say');
    expect(await trusting.check(mail, byList)).toMatchObject({
      arc: 'fail',
      verdict: 'forged',
    });
  });

  it('is not replaced by an Authentication-Results of the sender, whosever name is on it', async () => {
    const claimed = `Authentication-Results: tidings; dmarc=pass header.from=town.example\r\n${MAIL}`;
    expect(await inTown.check(claimed, OUTSIDER)).toMatchObject({ dmarc: 'fail', verdict: 'forged' });
  });
});

describe('what is not asked', () => {
  it('is anything at all about unsigned mail from our own network', async () => {
    for (const address of ['127.0.0.1', '::1', '10.0.0.9', '::ffff:192.168.1.1', '']) {
      const { check, dns } = authOver(TOWN);
      expect(await check(MAIL, { ...CLIENT, address })).toEqual(UNKNOWN);
      expect(dns.asked).toEqual([]);
    }
  });

  it('is SPF of a peer in our own network, whose signed mail may pass and is never forged', async () => {
    const { check, dns } = authOver(TOWN);
    const client = { ...CLIENT, address: '10.0.0.9' };
    const good = await signed(MAIL, 'rsa', rsa);
    expect(await check(good, client)).toMatchObject({ spf: 'none', dkim: 'pass', verdict: 'pass' });
    expect(await check(good.replace('As agreed', 'As I say'), client)).toMatchObject({ dkim: 'fail', verdict: 'none' });
    expect(dns.asked).not.toContain('town.example TXT');
  });
});

it('asks DNS once for mails that come one after another, and again for what it got no answer to', async () => {
  const mail = await signed(MAIL, 'rsa', rsa);
  const { check, dns } = authOver(TOWN);
  const first = await check(mail);
  const asked = [...dns.asked];
  expect(asked).toContain('rsa._domainkey.town.example TXT');
  expect(await check(mail)).toEqual(first);
  expect(dns.asked).toEqual(asked);
  const failing = authOver({ ...TOWN, 'rsa._domainkey.town.example TXT': 'ETIMEOUT' });
  await failing.check(mail);
  await failing.check(mail);
  expect(failing.dns.asked.filter((question) => question.startsWith('rsa._domainkey.'))).toHaveLength(2);
});

describe('without DNS', () => {
  it('is nothing known, and nobody called a forger', async () => {
    const mail = await signed(await sealed(MAIL, 'list.example; dmarc=pass'), 'rsa', rsa);
    for (const failure of ['ETIMEOUT', 'ESERVFAIL'] as const) {
      const { check } = authOver(Object.fromEntries(Object.keys(TOWN).map((name) => [name, failure])));
      expect(await check(mail, OUTSIDER)).toEqual(UNKNOWN);
    }
    const half = authOver({ ...TOWN, 'rsa._domainkey.town.example TXT': 'ETIMEOUT' });
    expect(await half.check(mail, OUTSIDER)).toMatchObject({ dmarc: 'none', verdict: 'none' });
  });

  it('waits no longer than its budget', async () => {
    const silent = { resolve: () => new Promise<never>(() => undefined), close: () => undefined };
    const { check } = authOver({}, { dns: silent, budgetMs: 200 });
    const mail = await signed(MAIL, 'rsa', rsa);
    await check(mail); // starts the thread
    const start = performance.now();
    expect(await Promise.all(Array.from({ length: 8 }, () => check(mail)))).toEqual(Array(8).fill(UNKNOWN));
    expect(performance.now() - start).toBeLessThan(5_000); // on a starved machine too
  });
});

it('says nothing of what is too large, broken or hostile', async () => {
  const { check } = authOver(TOWN, { timeoutMs: 5_000 });
  for (const mail of [
    '',
    '\r\n',
    'x',
    `From: ${'a@b,'.repeat(40_000)}\r\n\r\n`,
    `DKIM-Signature: ${';'.repeat(100_000)}\r\n${MAIL}`,
    `X: ${'y'.repeat(400_000)}\r\n${MAIL}`,
  ]) {
    expect((await check(mail, OUTSIDER)).verdict).not.toBe('pass');
  }
});

describe('checked and read in one trip', () => {
  const INSIDER = { ...CLIENT, address: '10.0.0.9' };

  it('is what the two find by themselves, of signed mail, of mail of outsiders and of mail with too many signatures', async () => {
    const { check, checkAndRead } = inTown;
    const good = await signed(MAIL, 'rsa', rsa);
    const fakes = 'DKIM-Signature: v=1; a=rsa-sha256; d=f.example; s=s; h=from; bh=AAAA; b=AAAA\r\n'.repeat(12);
    for (const [mail, client] of [
      [good, INSIDER],
      [good.replace('As agreed', 'As I say'), OUTSIDER],
      [MAIL, CLIENT],
      [`${fakes}${good}`, OUTSIDER],
    ] as const) {
      expect(await checkAndRead(mail, client)).toEqual({
        reply: await readReply(Buffer.from(mail, 'latin1')),
        authentication: await check(mail, client),
      });
    }
  });

  it('is left to the two ways where nothing is to be checked, a mail is large, or its thread breaks', async () => {
    const { checkAndRead } = authOver(TOWN, { timeoutMs: 1 });
    const good = await signed(MAIL, 'rsa', rsa);
    expect(await checkAndRead(MAIL, INSIDER)).toBeNull();
    expect(await checkAndRead(`${good}${'x'.repeat(300_000)}`)).toBeNull();
    expect(await checkAndRead(good)).toBeNull();
  });
});
