import type { EmailId } from '@tidings/contracts/ids';

export const category = 'outbound';
export const outboundKey = (email: EmailId): string => email;
