import "./wallet.css";

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { WithSpeech } from "../desk/say";
import { App } from "./App";
import { keepShell } from "./shell";

const root = document.getElementById("root");
if (root) createRoot(root).render(<StrictMode><WithSpeech><App /></WithSpeech></StrictMode>);
void keepShell().catch(() => undefined);
