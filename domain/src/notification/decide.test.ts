import { SHREDDED } from '@tidings/contracts/sealed';
import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, notificationNo } from '../testing/people.ts';
import { notificationSent } from './events.ts';
import { notification } from './index.ts';

const given = specify(notification);
const told = { notificationId: notificationNo(1), toUser: alice, message: { kind: 'invoice', lines: [1, null] } };
const send = { type: 'SendNotification', ...told } as const;

it('a notification is sent once per id', () => {
  given().when(send).then(notificationSent(told));
  given(notificationSent(told)).when(send).thenNothing();
  given(notificationSent({ ...told, message: { lines: [1, null], kind: 'invoice' } }))
    .when(send)
    .thenNothing();
  given(notificationSent(told))
    .when({ ...send, message: 'something else' })
    .thenRejected({ type: 'NotificationIdReused', notificationId: notificationNo(1) });
});

it('stays once its reader is erased', () => {
  given(notificationSent({ ...told, message: SHREDDED }))
    .when(send)
    .thenNothing();
});
