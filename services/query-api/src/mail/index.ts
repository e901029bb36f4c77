/** Mail queries (mail-contract §3). */
import type { Dns } from '@tidings/contracts/ports/dns';
import { openDns } from '@tidings/infra/dns/system-dns';
import { type Mime, openMime } from '@tidings/infra/mime/mime';
import type { FastifyInstance } from 'fastify';
import type { Platform } from '../../../platform/src/platform.ts';
import { createBodyReader } from './bodies.ts';
import { registerContacts } from './contacts.ts';
import { registerDeliveries } from './deliveries.ts';
import { registerDomains } from './domains.ts';
import { registerDrafts } from './drafts.ts';
import { registerEmails } from './emails.ts';
import { registerExport } from './export.ts';
import { registerImports } from './imports.ts';
import { createImageLinks } from './image-links.ts';
import { registerImages } from './images.ts';
import { registerLabels } from './labels.ts';
import { registerMailboxes } from './mailboxes.ts';
import { registerMailSearch } from './search.ts';
import { registerStorage } from './storage.ts';
import { registerAnswering } from './answering.ts';
import { registerTemplates } from './templates.ts';
import { registerThreads } from './threads.ts';
import { registerTimeline } from './timeline.ts';
import { registerMailboxWebhooks } from './webhooks.ts';

export const registerMail = (app: FastifyInstance, platform: Platform): void => {
  const links = createImageLinks(platform);
  const bodies = createBodyReader(platform, platform.config.imageProxy ? links : null);
  registerImages(app, platform, links);
  registerStorage(app, platform);
  registerDrafts(app, platform);
  registerTemplates(app, platform);
  registerAnswering(app, platform);
  registerContacts(app, platform);
  registerDomains(app, platform, lazyDns(app, platform));
  registerMailboxes(app, platform);
  registerThreads(app, platform, bodies);
  registerMailSearch(app, platform);
  registerLabels(app, platform);
  registerImports(app, platform);
  registerExport(app, platform);
  registerTimeline(app, platform, bodies);
  registerDeliveries(app, platform);
  registerMailboxWebhooks(app, platform);
  registerEmails(app, platform, bodies, lazyMime(app));
};

/** Parts are asked for now and then: one worker thread, from when the first is. */
const lazyMime = (app: FastifyInstance): (() => Mime) => {
  let mime: Mime | null = null;
  app.addHook('onClose', () => mime?.close());
  return () => (mime ??= openMime({ threads: 1 }));
};

/** Whoever looks after a domain asks now and then. */
const lazyDns = (app: FastifyInstance, { config }: Platform): (() => Dns) => {
  let dns: Dns | null = null;
  app.addHook('onClose', () => dns?.close());
  return () => (dns ??= openDns({ servers: config.dnsServers }));
};
