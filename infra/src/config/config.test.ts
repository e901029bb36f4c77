import * as E from 'fp-ts/lib/Either.js';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig, variables } from './config.ts';
import { DEFAULT_RATES, formatRates } from './rate-limits.ts';

const faultsOf = (env: Record<string, string>): readonly string[] => {
  const loaded = loadConfig(env);
  return E.isLeft(loaded) ? loaded.left : [];
};

describe('loadConfig', () => {
  it('needs nothing', () => {
    const loaded = loadConfig({});
    expect(loaded).toMatchObject(
      E.right({
        environment: 'development',
        dataDir: resolve('.data'),
        databaseUrl: null,
        http: { port: 8080, publicUrl: null },
        smtp: { port: 2525, maxMessageBytes: 31_457_280, tls: null },
        mailDomains: ['tidings.test'],
        oidc: { issuer: null, audience: 'account', adminRole: 'tidings-admin' },
      }),
    );
  });

  it('takes an empty variable for an unset one', () => {
    expect(loadConfig({ HTTP_PORT: '', OIDC_ISSUER: '' })).toMatchObject(E.right({ http: { port: 8080 }, oidc: { issuer: null } }));
  });

  it('names every fault at once, with variable and rule', () => {
    expect(faultsOf({ HTTP_PORT: '70000', LOG_LEVEL: 'loud', MAIL_DOMAINS: 'a b', OPS: 'maybe' })).toEqual([
      'MAIL_DOMAINS must be domain names with commas between them (it is "a b")',
      'HTTP_PORT must be a whole number from 0 to 65535 (it is "70000")',
      'OPS must be on or off (it is "maybe")',
      'LOG_LEVEL must be one of info, trace, debug, warn, error, fatal, silent (it is "loud")',
    ]);
  });

  describe('of blobs', () => {
    const blobsOf = (env: Record<string, string>) => E.getOrElseW(() => null)(loadConfig(env))?.blobs;
    const [one, two] = ['A'.repeat(43), '0f'.repeat(32)];

    it('seals nothing unless told to, and packs quickly', () => {
      expect(blobsOf({ DATA_DIR: '/data' })).toMatchObject({
        type: 'postgres',
        folder: '/data/blobs',
        format: { level: 1, keys: { active: 0 } },
      });
      expect([...(blobsOf({ BLOB_KEY: '0' })?.format.keys.byId ?? [])]).toEqual([]);
    });

    it('takes keys in base64 or hex by their ids, one of them active', () => {
      const keys = blobsOf({ BLOB_KEYS: `1:${one}=, 12:${two}`, BLOB_KEY: '12' })?.format.keys;
      expect([keys?.active, [...(keys?.byId.keys() ?? [])]]).toEqual([12, [1, 12]]);
      expect(keys?.byId.get(12)?.export().toString('hex')).toBe(two);
      expect(keys?.byId.get(1)?.export()).toEqual(Buffer.alloc(32));
      expect(blobsOf({ BLOB_KEYS: `1:${one}`, BLOB_KEY: '0' })?.format.keys.active).toBe(0);
    });

    it('says what is wrong with them, and never shows one', () => {
      for (const wrong of ['secret', `0:${one}`, `40000:${one}`, `1:${one.slice(1)}`, `1:${one},1:${two}`, `1:${two}00`]) {
        expect(faultsOf({ BLOB_KEYS: wrong, BLOB_KEY: '1' })).toEqual([
          expect.stringMatching(/^BLOB_KEYS must be keys with their ids like 1:SECRET[^()]*$/),
        ]);
      }
      expect(faultsOf({ BLOB_KEYS: `1:${one}` })).toEqual([
        'BLOB_KEY must say which key of BLOB_KEYS bytes are sealed with; 0: none of them',
      ]);
      expect(faultsOf({ BLOB_KEYS: `1:${one}`, BLOB_KEY: '2' })).toEqual(['BLOB_KEY is 2, and BLOB_KEYS holds no key with this id']);
    });

    it('takes a level of compression', () => {
      const levelOf = (BLOB_COMPRESSION: string) => blobsOf({ BLOB_COMPRESSION })?.format.level;
      expect(['none', 'zstd', 'zstd:7'].map(levelOf)).toEqual([0, 1, 7]);
      for (const wrong of ['gzip', 'zstd:0', 'zstd:20', 'zstd:']) expect(faultsOf({ BLOB_COMPRESSION: wrong })).toHaveLength(1);
    });
  });

  it('takes domains in either spelling', () => {
    const domainsOf = (MAIL_DOMAINS: string) => E.getOrElseW(() => null)(loadConfig({ MAIL_DOMAINS }))?.mailDomains;
    expect(domainsOf('Bücher.example, xn--bcher-kva.example, town.example')).toEqual(['xn--bcher-kva.example', 'town.example']);
    expect(faultsOf({ MAIL_DOMAINS: 'bü cher.example' })).toHaveLength(1);
  });

  it('takes networks, a plain address being a network of one', () => {
    const networksOf = (SMTP_PROXY_NETWORKS: string) => E.getOrElseW(() => null)(loadConfig({ SMTP_PROXY_NETWORKS }))?.smtp.proxyNetworks;
    expect(networksOf('')).toEqual([]);
    expect(networksOf('10.0.0.0/8, 192.0.2.1, fd00::/8,::1')).toEqual(['10.0.0.0/8', '192.0.2.1/32', 'fd00::/8', '::1/128']);
    for (const wrong of ['proxy.example', '10.0.0.0/33', '10.0/8', '10.0.0.1/', '::/129']) {
      expect(faultsOf({ SMTP_PROXY_NETWORKS: wrong })).toEqual([
        expect.stringMatching(/^SMTP_PROXY_NETWORKS must be addresses or networks/),
      ]);
    }
  });

  it('takes rate limits by class, and what is left out as it is by default', () => {
    const ratesOf = (RATE_LIMITS: string) => E.getOrElseW(() => null)(loadConfig({ RATE_LIMITS }))?.http.rateLimits;
    expect(ratesOf('')).toEqual(DEFAULT_RATES);
    expect(ratesOf('default')).toEqual(DEFAULT_RATES);
    expect(ratesOf('off')).toEqual({ messages: null, writes: null, reads: null, uploads: null, service: null, failures: null });
    expect(ratesOf('messages=0.5/3, reads=off')).toEqual({ ...DEFAULT_RATES, messages: { perSecond: 0.5, burst: 3 }, reads: null });
    expect(ratesOf(formatRates(DEFAULT_RATES))).toEqual(DEFAULT_RATES);
    for (const wrong of [
      'on',
      '50',
      'messages',
      'messages=50',
      'messages=0/5',
      'messages=5/0',
      'mail=1/1',
      'reads=1/1,reads=2/2',
      'off,reads=1/1',
    ]) {
      expect(faultsOf({ RATE_LIMITS: wrong })).toEqual([expect.stringMatching(/^RATE_LIMITS must be default, off, or classes/)]);
    }
  });

  it('never repeats a URL: it may hold a password', () => {
    expect(faultsOf({ DATABASE_URL: 'mysql://u:secret@h/db' })).toEqual([
      'DATABASE_URL must be a URL that begins with postgresql:// or postgres://',
    ]);
  });

  it('wants a real issuer in production', () => {
    expect(faultsOf({ TIDINGS_ENV: 'production' })[0]).toMatch(/^OIDC_ISSUER must be set/);
    expect(faultsOf({ TIDINGS_ENV: 'production', OIDC_ISSUER: 'https://id.example.com/realms/x/' })).toEqual([]);
  });

  it('wants key and certificate together', () => {
    expect(faultsOf({ SMTP_TLS_KEY_FILE: 'key.pem' })).toEqual(['SMTP_TLS_KEY_FILE and SMTP_TLS_CERT_FILE must be set together']);
  });

  it('searches on Postgres, or on an OpenSearch under names of our own', () => {
    expect(loadConfig({})).toMatchObject(E.right({ openSearch: null }));
    expect(
      loadConfig({ OPENSEARCH_URL: 'https://a:b@search.example:9200/', OPENSEARCH_PREFIX: 'town_1', OPENSEARCH_SHARDS: '3' }),
    ).toMatchObject(E.right({ openSearch: { url: 'https://a:b@search.example:9200', prefix: 'town_1', shards: 3, caFile: null } }));
    expect(faultsOf({ OPENSEARCH_URL: 'search:secret@example' })).toEqual([
      'OPENSEARCH_URL must be a URL that begins with http:// or https://',
    ]);
    expect(faultsOf({ OPENSEARCH_PREFIX: 'Town' })[0]).toMatch(/^OPENSEARCH_PREFIX must be lower-case letters/);
    expect(faultsOf({ OPENSEARCH_SHARDS: '0' })[0]).toMatch(/^OPENSEARCH_SHARDS must be a whole number from 1 to 64/);
  });

  it('takes lists of names as they are written, none by default', () => {
    expect(loadConfig({})).toMatchObject(
      E.right({ notifyClientIds: [], kafka: { brokers: [], tls: null, sasl: null }, outbound: { allowPrivate: false } }),
    );
    expect(loadConfig({ NOTIFY_CLIENT_IDS: 'Shop, crm,', KAFKA_BROKERS: 'a:9092,b:9092' })).toMatchObject(
      E.right({ notifyClientIds: ['Shop', 'crm'], kafka: { brokers: ['a:9092', 'b:9092'] } }),
    );
    expect(faultsOf({ KAFKA_BROKERS: 'a' })).toEqual(['KAFKA_BROKERS must be addresses host:port with commas between them (it is "a")']);
    expect(faultsOf({ WEB_PUSH_CONTACT: 'me' })).toEqual(['WEB_PUSH_CONTACT must be a mailto: or https: URL (it is "me")']);
  });

  it('takes Kafka by TLS and with a login, and no password in the clear', () => {
    const env = { KAFKA_TLS: 'on', KAFKA_TLS_CA_FILE: 'ca.pem', KAFKA_SASL_USERNAME: 'tidings', KAFKA_SASL_PASSWORD: 'secret' };
    const sasl = { mechanism: 'plain', username: 'tidings', password: 'secret' };
    expect(loadConfig(env)).toMatchObject(E.right({ kafka: { tls: { caFile: 'ca.pem', client: null }, sasl } }));
    expect(loadConfig({ ...env, KAFKA_TLS_CERT_FILE: 'us.pem', KAFKA_TLS_KEY_FILE: 'us.key' })).toMatchObject(
      E.right({ kafka: { tls: { client: { certFile: 'us.pem', keyFile: 'us.key' } } } }),
    );
    expect(faultsOf({ KAFKA_SASL_USERNAME: 'tidings', KAFKA_SASL_PASSWORD: 'secret', KAFKA_SASL_MECHANISM: 'scram-sha-512' })).toEqual([]);
    expect(faultsOf({ KAFKA_SASL_USERNAME: 'tidings', KAFKA_TLS_KEY_FILE: 'us.key', KAFKA_TLS_CA_FILE: 'ca.pem' })).toEqual([
      'KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD must be set together',
      'KAFKA_TLS must be on when KAFKA_SASL_MECHANISM is plain: the password would be sent in the clear',
      'KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE must be set together',
      'KAFKA_TLS must be on when KAFKA_TLS_CA_FILE is set',
    ]);
  });

  it('knows where the log is published, and where it is followed', () => {
    const env = { KAFKA_BROKERS: 'one:9092', KAFKA_LOG_TOPIC: 'tidings.log', PROJECT_FROM: 'kafka' };
    expect(loadConfig(env)).toMatchObject(E.right({ kafka: { logTopic: 'tidings.log', projectFrom: 'kafka' } }));
    expect(faultsOf({ KAFKA_LOG_TOPIC: 'x' })).toEqual(['KAFKA_BROKERS must be set when KAFKA_LOG_TOPIC is']);
    expect(faultsOf({ PROJECT_FROM: 'kafka' })).toEqual(['KAFKA_LOG_TOPIC must be set when PROJECT_FROM is kafka']);
    expect(faultsOf({ KAFKA_LOG_TOPIC: 'two words' })).toHaveLength(1);
  });

  it('knows what keeps the log', () => {
    const url = 'esdb+discover://admin:secret@one:2113,two:2113?tls=true';
    expect(loadConfig({ EVENT_LOG: 'kurrentdb', KURRENTDB_URL: url })).toMatchObject(
      E.right({ eventLog: { type: 'kurrentdb', kurrentdb: url } }),
    );
    expect(faultsOf({ EVENT_LOG: 'kurrentdb' })).toEqual(['KURRENTDB_URL must be set when EVENT_LOG is kurrentdb']);
    expect(faultsOf({ KURRENTDB_URL: 'http://one:2113' })).toHaveLength(1);
  });

  it('knows where bytes are, and where they come from', () => {
    const env = { BLOBS: 's3', S3_BUCKET: 'tidings', BLOBS_ALSO: 'postgres', AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };
    const s3 = {
      ...{ endpoint: null, bucket: 'tidings', region: 'us-east-1' },
      credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
    };
    expect(loadConfig(env)).toMatchObject(E.right({ blobs: { type: 's3', also: 'postgres', s3 } }));
    expect(faultsOf({ BLOBS_ALSO: 's3', AWS_SECRET_ACCESS_KEY: 'secret' })).toEqual([
      'S3_BUCKET must be set when BLOBS_ALSO is s3',
      'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together',
    ]);
    expect(faultsOf({ BLOBS: 'folder', BLOBS_ALSO: 'folder' })).toEqual([
      'BLOBS_ALSO must be another place than BLOBS, which is folder too',
    ]);
    expect(faultsOf({ S3_BUCKET: 'No', S3_ENDPOINT: 'ftp://x' })).toHaveLength(2);
  });

  it('knows where clients reach the bucket, and what stands against that', () => {
    const env = { BLOBS: 's3', S3_BUCKET: 'tidings', S3_DOWNLOAD_URL: 'https://files.town.example/', PUBLIC_URL: 'https://town.example' };
    expect(loadConfig(env)).toMatchObject(E.right({ blobs: { downloads: { url: 'https://files.town.example', seconds: 300 } } }));
    expect(loadConfig({ ...env, S3_DOWNLOAD_URL: '' })).toMatchObject(E.right({ blobs: { downloads: null } }));
    expect(faultsOf({ S3_DOWNLOAD_URL: env.S3_DOWNLOAD_URL })).toEqual(['S3_BUCKET must be set when S3_DOWNLOAD_URL is']);
    const keys = { BLOB_KEYS: `1:${'0'.repeat(64)}`, BLOB_KEY: '1' };
    expect(faultsOf({ ...env, ...keys })).toEqual([
      'S3_DOWNLOAD_URL hands out plain copies of bytes, which BLOB_KEY (1) says must be sealed: set one of them',
    ]);
    expect(faultsOf({ ...env, ...keys, BLOB_KEY: '0' })).toEqual([]);
    expect(faultsOf({ ...env, S3_DOWNLOAD_URL: 'https://town.example/s3' })).toEqual([
      'S3_DOWNLOAD_URL must be of another origin than PUBLIC_URL, or clients send their tokens there',
      'S3_DOWNLOAD_URL must have no path: what comes behind the host is signed',
    ]);
  });

  it('says of every variable what it is for', () => {
    const silent = Object.entries(variables).filter(([, { name, meaning }]) => meaning === '' && !name.startsWith('left unset'));
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  it('cleans up domains', () => {
    expect(loadConfig({ MAIL_DOMAINS: 'Example.COM, tidings.test,example.com' })).toMatchObject(
      E.right({ mailDomains: ['example.com', 'tidings.test'] }),
    );
  });
});
