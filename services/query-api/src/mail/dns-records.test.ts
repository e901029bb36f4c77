import { dnsOf, type Zone } from '@tidings/infra/dns/zone';
import { describe, expect, it } from 'vitest';
import { checkRecords } from './dns-records.ts';

const keys = [{ selector: 'tidings-rsa', record: 'v=DKIM1; k=rsa; p=MIIB' }];
const stateOf = async (zone: Zone): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    (await checkRecords(dnsOf(zone), 'town.example', 'mail.town.example', keys)).map(({ kind, status }) => [kind, status]),
  );

const right: Zone = {
  'town.example MX': [{ exchange: 'Mail.Town.Example', priority: 5 }],
  'town.example TXT': ['google-site-verification=x', 'v=spf1 mx ~all'],
  'tidings-rsa._domainkey.town.example TXT': [['v=DKIM1; k=rsa; ', 'p=MIIB']],
  '_dmarc.town.example TXT': ['v=DMARC1; p=reject'],
  '_mta-sts.town.example TXT': ['v=STSv1; id=20261121'],
};

describe('the records of a domain', () => {
  it('are right, wherever else other records stand', async () => {
    expect(await stateOf(right)).toEqual({ MX: 'ok', SPF: 'ok', DKIM: 'ok', DMARC: 'ok', 'MTA-STS': 'ok' });
  });

  it('are missing, or nobody knows', async () => {
    expect(new Set(Object.values(await stateOf({})))).toEqual(new Set(['missing']));
    expect(await stateOf({ ...right, 'town.example MX': 'ETIMEOUT' })).toMatchObject({ MX: 'unknown', SPF: 'ok' });
  });

  it('are shown as they are when they are not what we expect', async () => {
    const zone: Zone = {
      'town.example MX': [{ exchange: 'mx.elsewhere.example', priority: 10 }],
      'town.example TXT': ['v=spf1 mx -all', 'v=spf1 include:elsewhere.example -all'],
      '_dmarc.town.example TXT': ['v=DMARC1; rua=mailto:a@town.example'],
      'tidings-rsa._domainkey.town.example TXT': ['v=DKIM1; p=MIIC'],
    };
    expect(await stateOf(zone)).toMatchObject({ MX: 'different', SPF: 'different', DKIM: 'different', DMARC: 'different' });
    const [mx] = await checkRecords(dnsOf(zone), 'town.example', 'mail.town.example', keys);
    expect(mx).toEqual({
      kind: 'MX',
      type: 'MX',
      name: 'town.example',
      expected: '10 mail.town.example',
      found: ['10 mx.elsewhere.example'],
      status: 'different',
    });
  });
});
