import { type FunctionComponent } from 'preact';
import { lazy } from 'preact-iso';
import { type Text } from '../shared/language.ts';
import { PageMissing } from './PageMissing.tsx';
import { type Role } from './session.ts';

export interface ConsoleRoute {
  /** Below `/console`; `:name` is a parameter. */
  readonly path: string;
  /** In the navigation, and in the title of the browser. */
  readonly title: Text;
  readonly page: FunctionComponent;
  /** It is in the navigation of operators with this role; a page without it is reached from other pages. */
  readonly nav?: Role;
  /** In the navigation only where acts need a second operator (`TWO_PERSON`). */
  readonly withTwoPerson?: true;
}

type PageModule = Promise<{ default: FunctionComponent }>;

/** A page is a file of its own that is loaded when it is opened. After an upgrade it may be gone. */
const page = (load: () => PageModule): FunctionComponent =>
  lazy(() => load().catch(() => ({ default: PageMissing }))) as FunctionComponent;

/** All pages, in the order of the navigation. */
export const ROUTES: readonly ConsoleRoute[] = [
  {
    path: '/campaigns',
    title: { ko: '캠페인', en: 'Campaigns' },
    page: page(() => import('./pages/Campaigns.tsx')),
    nav: 'viewer',
  },
  {
    path: '/campaigns/new',
    title: { ko: '새 캠페인', en: 'New campaign' },
    page: page(() => import('./pages/NewCampaign.tsx')),
  },
  {
    path: '/campaigns/:campaignId',
    title: { ko: '캠페인', en: 'Campaign' },
    page: page(() => import('./pages/Campaign.tsx')),
  },
  {
    path: '/campaigns/:campaignId/coupons',
    title: { ko: '쿠폰', en: 'Coupons' },
    page: page(() => import('./pages/Coupons.tsx')),
  },
  {
    path: '/failed-events',
    title: { ko: '발급 실패 건', en: 'Failed events' },
    page: page(() => import('./pages/FailedEvents.tsx')),
    nav: 'viewer',
  },
  {
    path: '/search',
    title: { ko: '검색', en: 'Search' },
    page: page(() => import('./pages/Search.tsx')),
    nav: 'viewer',
  },
  {
    path: '/system',
    title: { ko: '시스템', en: 'System' },
    page: page(() => import('./pages/System.tsx')),
    nav: 'viewer',
  },
  {
    path: '/approvals',
    title: { ko: '승인', en: 'Approvals' },
    page: page(() => import('./pages/Approvals.tsx')),
    nav: 'operator',
    withTwoPerson: true,
  },
  {
    path: '/audit',
    title: { ko: '감사 로그', en: 'Audit log' },
    page: page(() => import('./pages/AuditLog.tsx')),
    nav: 'operator',
  },
  {
    path: '/keys',
    title: { ko: 'API 키', en: 'API keys' },
    page: page(() => import('./pages/Keys.tsx')),
    nav: 'admin',
  },
];
