import { startPage } from '../shared/start-page.tsx';
import { Shop } from './Shop.tsx';

startPage(Shop);
