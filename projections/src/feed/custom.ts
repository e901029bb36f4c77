/** Custom notifications: what a back end told one user. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { NotificationSent } from '@tidings/contracts/events/notification';
import { reveal } from '@tidings/contracts/sealed';
import { tell, userAudience, type Row } from './rows.ts';

export const notificationSent = ({ data, recordedAt }: Recorded<NotificationSent>): readonly Row[] => [
  tell(userAudience(data.toUser), { type: 'SystemMessage', createdAt: recordedAt, message: reveal(data.message, null) }),
];
