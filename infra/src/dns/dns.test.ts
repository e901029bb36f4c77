import { DnsFailure, type DnsRecord } from '@tidings/contracts/ports/dns';
import { describe, expect, it } from 'vitest';
import { openDns, remembering } from './system-dns.ts';

const failing = (code: string): Error => Object.assign(new Error(code), { code });

describe('asking for a name', () => {
  let at = 0;
  const now = (): number => at;

  it('asks once for all, and remembers what it heard, also that there is nothing', async () => {
    at = 1_000_000;
    const asked: string[] = [];
    const resolve = remembering(async (domain, type) => {
      asked.push(`${type} ${domain}`);
      if (domain === 'nobody.example') throw failing('ENOTFOUND');
      return [['v=spf1 -all']];
    }, now);
    const both = await Promise.all([resolve('a.example', 'TXT'), resolve('A.EXAMPLE', 'TXT')]);
    expect(both).toEqual([[['v=spf1 -all']], [['v=spf1 -all']]]);
    for (let n = 0; n < 3; n += 1) await expect(resolve('nobody.example', 'TXT')).rejects.toMatchObject({ code: 'ENOTFOUND' });
    expect(asked).toEqual(['TXT a.example', 'TXT nobody.example']);
    at += 61_000;
    await expect(resolve('nobody.example', 'TXT')).rejects.toBeInstanceOf(DnsFailure);
    await resolve('a.example', 'TXT');
    expect(asked).toHaveLength(3);
    at += 300_000;
    await resolve('a.example', 'TXT');
    expect(asked).toHaveLength(4);
  });

  it('keeps nobody waiting once nobody answers, and finds out when somebody does', async () => {
    at = 2_000_000;
    let asked = 0;
    let up = false;
    const resolve = remembering(async (): Promise<readonly DnsRecord[]> => {
      asked += 1;
      if (!up) throw failing('ETIMEOUT');
      return ['192.0.2.1'];
    }, now);
    for (let n = 0; n < 50; n += 1) await expect(resolve(`${n}.example`, 'A')).rejects.toMatchObject({ code: 'ETIMEOUT' });
    expect(asked).toBe(4);
    at += 10_001;
    await expect(Promise.all([resolve('x.example', 'A'), resolve('y.example', 'A')])).rejects.toMatchObject({ code: 'ETIMEOUT' });
    expect(asked).toBe(5);
    at += 10_001;
    up = true;
    expect(await resolve('x.example', 'A')).toEqual(['192.0.2.1']);
    expect(await resolve('y.example', 'A')).toEqual(['192.0.2.1']);
  });

  it('counts no failure of one domain against the others', async () => {
    at = 3_000_000;
    const resolve = remembering(async (domain) => {
      if (domain === 'broken.example') throw failing('ESERVFAIL');
      return ['192.0.2.1'];
    }, now);
    for (let n = 0; n < 10; n += 1) await expect(resolve('broken.example', 'A')).rejects.toMatchObject({ code: 'ESERVFAIL' });
    expect(await resolve('whole.example', 'A')).toEqual(['192.0.2.1']);
  });

  it('ends soon where there is no server at all', async () => {
    const dns = openDns({ servers: ['127.0.0.1:1'], timeoutMs: 200 });
    const start = performance.now();
    await expect(dns.resolve('example.org', 'TXT')).rejects.toBeInstanceOf(DnsFailure);
    expect(performance.now() - start).toBeLessThan(2_000);
    dns.close();
  });
});
