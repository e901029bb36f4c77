/** A Postfix of our own in a temporary folder, on a free port, delivering to a Maildir; stopped and removed afterwards. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface PostfixServer {
  readonly port: number;
  readonly recipient: string;
  /** Resolves when the queue is empty. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** Null when Postfix cannot run here. */
export const startPostfix = async (): Promise<PostfixServer | null> => {
  if (process.getuid?.() !== 0) return null;
  const root = await mkdtemp(join(tmpdir(), 'tidings-postfix-'));
  const [config, queue, data, mail] = ['etc', 'queue', 'data', 'mail'].map((name) => join(root, name)) as [string, string, string, string];
  await chmod(root, 0o755);
  for (const folder of [config, queue, data, mail]) await mkdir(folder);
  await run('chown', ['postfix', data]);
  await run('chown', ['nobody', mail]);
  const { stdout: uid } = await run('id', ['-u', 'nobody']);
  const port = await freePort();
  await writeFile(
    join(config, 'main.cf'),
    [
      'compatibility_level = 3.6',
      `queue_directory = ${queue}`,
      `data_directory = ${data}`,
      'mydestination =',
      'myhostname = bench.test',
      'inet_interfaces = loopback-only',
      'inet_protocols = ipv4',
      'mynetworks = 127.0.0.0/8',
      'virtual_mailbox_domains = bench.test',
      `virtual_mailbox_base = ${mail}`,
      'virtual_mailbox_maps = static:inbox/',
      `virtual_uid_maps = static:${uid.trim()}`,
      `virtual_gid_maps = static:${uid.trim()}`,
      'virtual_minimum_uid = 1',
      'smtpd_client_connection_count_limit = 0',
      'smtpd_client_connection_rate_limit = 0',
      'smtputf8_enable = yes',
      `maillog_file = ${join(root, 'mail.log')}`,
      `maillog_file_prefixes = ${root}`,
      '',
    ].join('\n'),
  );
  await writeFile(join(config, 'master.cf'), await masterFor(port));
  try {
    await run('postfix', ['-c', config, 'start']);
  } catch (error) {
    await rm(root, { recursive: true, force: true });
    throw new Error('Postfix would not start', { cause: error });
  }
  return {
    port,
    recipient: 'inbox@bench.test',
    settled: async () => {
      for (;;) {
        const { stdout } = await run('postqueue', ['-c', config, '-j'], { maxBuffer: 256 * 1024 * 1024 });
        if (stdout === '') return;
        await delay(200);
      }
    },
    stop: async () => {
      await run('postfix', ['-c', config, 'stop']);
      await rm(root, { recursive: true, force: true });
    },
  };
};

/** The distribution's services without chroot (the queue is in a temporary folder), with smtpd on our port. */
const masterFor = async (port: number): Promise<string> => {
  const lines = (await readFile('/usr/share/postfix/master.cf.dist', 'utf8')).split('\n');
  return lines
    .map((line) => {
      if (!/^\w/.test(line)) return line;
      const columns = line.split(/\s+/);
      if (columns[1] === 'inet') return `127.0.0.1:${port} inet n - n - 100 smtpd`;
      columns[4] = 'n';
      return columns.join(' ');
    })
    .join('\n');
};

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
