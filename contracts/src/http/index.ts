/** Every endpoint there is, and the objects they speak by name. The OpenAPI document, the reference and the typed client derive from here. */
import * as t from 'io-ts';
import * as admin from './admin.ts';
import * as answering from './answering.ts';
import * as chatObjects from './chat-objects.ts';
import { chatRoutes } from './chat.ts';
import * as contacts from './contacts.ts';
import * as domains from './domains.ts';
import { deliveryRoutes } from './deliveries.ts';
import * as drafts from './drafts.ts';
import * as gatewayOut from './gateway-out.ts';
import { gatewayInboundRoutes } from './gateway-inbound.ts';
import * as gateway from './gateway.ts';
import { groupRoutes } from './groups.ts';
import { imageRoutes } from './images.ts';
import { keywordRoutes } from './keywords.ts';
import * as imports from './imports.ts';
import * as labels from './labels.ts';
import * as leaving from './leaving.ts';
import * as live from './live.ts';
import * as mailObjects from './mail-objects.ts';
import { mailRoutes } from './mail.ts';
import * as mailSearch from './mail-search.ts';
import * as mailboxes from './mailboxes.ts';
import * as media from './media.ts';
import * as messages from './messages.ts';
import * as notes from './notes.ts';
import * as notify from './notify.ts';
import * as pendingMail from './pending-mail.ts';
import * as presence from './presence.ts';
import { Problem } from './problem.ts';
import * as push from './push.ts';
import * as receipts from './receipts.ts';
import { reportRoutes } from './reports.ts';
import type { Route } from './route.ts';
import * as search from './search.ts';
import * as sending from './sending.ts';
import * as storage from './storage.ts';
import { sharingRoutes } from './sharing.ts';
import * as sync from './sync.ts';
import { systemRoutes } from './system.ts';
import * as templates from './templates.ts';
import * as webhooks from './webhooks.ts';

export const routes: readonly Route[] = [
  ...chatRoutes,
  ...groupRoutes,
  ...messages.messageRoutes,
  ...receipts.receiptRoutes,
  ...gatewayOut.gatewayOutRoutes,
  ...gateway.gatewayRoutes,
  ...gatewayInboundRoutes,
  ...reportRoutes,
  ...mailRoutes,
  ...mailSearch.mailSearchRoutes,
  ...labels.labelRoutes,
  ...imports.importRoutes,
  ...notes.noteRoutes,
  ...sharingRoutes,
  ...keywordRoutes,
  ...imageRoutes,
  ...leaving.leavingRoutes,
  ...mailboxes.mailboxRoutes,
  ...domains.domainRoutes,
  ...contacts.contactRoutes,
  ...storage.storageRoutes,
  ...drafts.draftRoutes,
  ...sending.sendingRoutes,
  ...templates.templateRoutes,
  ...answering.answeringRoutes,
  ...deliveryRoutes,
  ...live.liveRoutes,
  ...sync.syncRoutes,
  ...presence.presenceRoutes,
  ...media.mediaRoutes,
  ...search.searchRoutes,
  ...notify.notifyRoutes,
  ...push.pushRoutes,
  ...webhooks.webhookRoutes,
  ...pendingMail.pendingMailRoutes,
  ...admin.adminRoutes,
  ...systemRoutes,
];

/** Codecs under the names they are exported by: the `components/schemas` of the description. */
export const namedCodecs: ReadonlyMap<t.Mixed, string> = new Map(
  Object.entries({
    Problem,
    ...chatObjects,
    ...mailObjects,
    ...mailSearch,
    ...labels,
    ...imports,
    ...notes,
    ...mailboxes,
    ...domains,
    ...contacts,
    ...leaving,
    ...storage,
    ...drafts,
    ...gateway,
    ...sending,
    ...templates,
    ...answering,
    ...live,
    ...sync,
    ...presence,
    ...media,
    ...messages,
    ...search,
    ...notify,
    ...push,
    ...receipts,
    ...webhooks,
    ...pendingMail,
    ...admin,
  }).flatMap(([name, value]) => (value instanceof t.Type ? [[value, name] as const] : [])),
);
