/** A Dovecot of Debian, the IMAP server that most of the world's mail lies in, with an account of its own and a certificate that is trusted when asked to be. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort, listening } from './ports.ts';

const DOVECOT = '/usr/sbin/dovecot';

/** Why there can be none here, in words; null when there can. */
export const dovecotLacks = (): string | null => {
  if (!existsSync(DOVECOT)) return 'not run: there is no /usr/sbin/dovecot (apt-get install dovecot-imapd)';
  return userInfo().uid === 0 ? null : 'not run: Dovecot needs root to become the users that it runs as';
};

export interface RunningDovecot {
  readonly port: number;
  readonly tlsPort: number;
  readonly username: string;
  readonly password: string;
  /** For `NODE_EXTRA_CA_CERTS`. */
  readonly caFile: string;
  readonly stop: () => Promise<void>;
}

const NOBODY = 65_534;

/** @throws when it does not come up */
export const startDovecot = async (): Promise<RunningDovecot> => {
  const home = await mkdtemp(join(tmpdir(), 'tidings-dovecot-'));
  chmodSync(home, 0o755);
  for (const folder of ['run', 'state', 'mail']) mkdirSync(join(home, folder));
  chownSync(join(home, 'mail'), NOBODY, NOBODY);
  const [port, tlsPort] = [await freePort(), await freePort()];
  const [key, caFile] = [join(home, 'key.pem'), join(home, 'cert.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', caFile],
    ],
    { stdio: 'ignore' },
  );
  const config = join(home, 'dovecot.conf');
  await writeFile(
    config,
    `protocols = imap
listen = 127.0.0.1
base_dir = ${home}/run
state_dir = ${home}/state
log_path = ${home}/log
ssl = yes
ssl_cert = <${caFile}
ssl_key = <${key}
disable_plaintext_auth = no
auth_mechanisms = plain
mail_location = maildir:${home}/mail/%u:LAYOUT=fs
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=${NOBODY} gid=${NOBODY} home=${home}/mail/%u
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Papierkorb {
    special_use = \\Trash
  }
}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${tlsPort}
    ssl = yes
  }
}
`,
  );
  const child = spawn(DOVECOT, ['-F', '-c', config], { stdio: 'ignore' });
  await listening('Dovecot', port, child, 30_000);
  return {
    ...{ port, tlsPort, username: 'ann', password: 'secret', caFile },
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    },
  };
};
