#!/usr/bin/env node
// Runs the command line on the Node it needs: this one when it is new enough, else the one that npm installed beside us.
import { spawn } from 'node:child_process';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NEEDED = 24;

if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  // Compiled code is kept beside the packages: later starts take half the time. Child processes find it by the variable.
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('../../../node_modules/.cache/tidings', import.meta.url));
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  const { main } = await import('../src/main.ts');
  await main(process.argv.slice(2));
} else {
  const node = bundledNode();
  if (node === undefined) {
    process.stderr.write(
      `Tidings needs Node ${NEEDED}; this is ${process.version}, and npm has none for ${process.platform} ${process.arch}. Install Node ${NEEDED} or newer.\n`,
    );
    process.exitCode = 1;
  } else {
    // The channel tells the other process when this one is gone.
    const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
    child.once('close', (code, signal) => {
      process.exitCode = signal === null ? (code ?? 1) : 1;
    });
    // A terminal's Ctrl-C reaches both of us; it is the other's to handle. SIGTERM comes to us alone.
    process.on('SIGINT', () => undefined);
    process.on('SIGTERM', () => child.kill('SIGTERM'));
  }
}

function bundledNode() {
  try {
    const manifest = module.createRequire(import.meta.url).resolve(`node-${process.platform}-${process.arch}/package.json`);
    return join(dirname(manifest), 'bin', 'node');
  } catch {
    return undefined;
  }
}
