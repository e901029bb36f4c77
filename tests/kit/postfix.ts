/** A Postfix of Debian in a temporary folder, on a free port; stopped and removed afterwards. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './ports.ts';

const run = promisify(execFile);

/** Why there can be none here, in words; null when there can. */
export const postfixLacks = (): string | null => {
  if (!existsSync('/usr/sbin/postfix')) return 'not run: there is no /usr/sbin/postfix (apt-get install postfix)';
  return userInfo().uid === 0 ? null : 'not run: Postfix needs root to become the users that it runs as';
};

export interface PostfixServer {
  readonly port: number;
  /** What was delivered to the Maildir `inbox/`. */
  mails(): Promise<readonly string[]>;
  /** Resolves when the queue is empty. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** @param settings of main.cf, over those that keep it in its folder and on this machine. @throws when it does not start */
export const startPostfix = async (settings: Readonly<Record<string, string>> = {}): Promise<PostfixServer> => {
  const root = await mkdtemp(join(tmpdir(), 'tidings-postfix-'));
  const folder = (name: string): string => join(root, name);
  await chmod(root, 0o755);
  for (const name of ['etc', 'queue', 'data', 'mail']) await mkdir(folder(name));
  await run('chown', ['postfix', folder('data')]);
  await run('chown', ['nobody', folder('mail')]);
  const nobody = (await run('id', ['-u', 'nobody'])).stdout.trim();
  const port = await freePort();
  const config = folder('etc');
  const main = {
    ...{ compatibility_level: '3.6', queue_directory: folder('queue'), data_directory: folder('data'), myhostname: 'postfix.test' },
    ...{ mydestination: '', inet_interfaces: 'loopback-only', inet_protocols: 'ipv4', mynetworks: '127.0.0.0/8' },
    ...{
      virtual_mailbox_domains: '',
      virtual_mailbox_base: folder('mail'),
      virtual_mailbox_maps: 'static:inbox/',
      virtual_minimum_uid: '1',
    },
    ...{ virtual_uid_maps: `static:${nobody}`, virtual_gid_maps: `static:${nobody}` },
    ...{ smtpd_client_connection_count_limit: '0', smtpd_client_connection_rate_limit: '0', smtputf8_enable: 'yes' },
    ...{ maillog_file: folder('mail.log'), maillog_file_prefixes: root },
    ...settings,
  };
  const lines = Object.entries(main).map(([name, value]) => `${name} = ${value}\n`);
  await writeFile(join(config, 'main.cf'), lines.join(''));
  await writeFile(join(config, 'master.cf'), await masterFor(port));
  try {
    await run('postfix', ['-c', config, 'start']);
  } catch (error) {
    await rm(root, { recursive: true, force: true });
    throw new Error('Postfix would not start', { cause: error });
  }
  const inbox = folder('mail/inbox/new');
  return {
    port,
    mails: async () => {
      const names = existsSync(inbox) ? await readdir(inbox) : [];
      return Promise.all(names.toSorted().map((name) => readFile(join(inbox, name), 'utf8')));
    },
    settled: async () => {
      for (;;) {
        const { stdout } = await run('postqueue', ['-c', config, '-j'], { maxBuffer: 256 * 1024 * 1024 });
        if (stdout === '') return;
        await delay(200);
      }
    },
    stop: async () => {
      await run('postfix', ['-c', config, 'stop']);
      await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
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
