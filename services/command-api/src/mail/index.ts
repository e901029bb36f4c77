/** Mail commands (mail-contract §3). */
import type { FastifyInstance } from 'fastify';
import type { Platform } from '../../../platform/src/platform.ts';
import { registerBlockedSenders } from './blocked-senders.ts';
import { registerContacts } from './contacts.ts';
import { registerDeliveries } from './deliveries.ts';
import { registerDomains } from './domains.ts';
import { registerAssignees } from './assignees.ts';
import { registerComments } from './comments.ts';
import { registerDrafts } from './drafts/index.ts';
import { registerImports } from './imports.ts';
import { registerKeywords } from './keywords.ts';
import { registerLabels } from './labels.ts';
import { registerLeaving } from './leaving.ts';
import { registerMailboxes } from './mailboxes.ts';
import { registerSharing } from './sharing.ts';
import { registerThreads } from './threads.ts';
import { registerMailboxWebhooks } from './webhooks.ts';

export const registerMail = (app: FastifyInstance, platform: Platform): void => {
  registerBlockedSenders(app, platform);
  registerContacts(app, platform);
  registerDomains(app, platform);
  registerMailboxes(app, platform);
  registerThreads(app, platform);
  registerLabels(app, platform);
  registerComments(app, platform);
  registerAssignees(app, platform);
  registerSharing(app, platform);
  registerKeywords(app, platform);
  registerDrafts(app, platform);
  registerImports(app, platform);
  registerLeaving(app, platform);
  registerDeliveries(app, platform);
  registerMailboxWebhooks(app, platform);
};
