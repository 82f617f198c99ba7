// What every page loads: the styles, and behaviour that no single page owns (theme, keys, live stream).
import "./app.css";

// Tells the styles that scripts run, so that what needs them is shown only then.
document.documentElement.dataset.scripts = "on";
