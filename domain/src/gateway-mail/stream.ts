import type { GatewayMailId } from '@tidings/contracts/ids';

export const category = 'gatewaymail';
export const gatewayMailKey = (mail: GatewayMailId): string => mail;
