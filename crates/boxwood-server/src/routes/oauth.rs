//! Rows of the token operations. SDKs ask for consent at `{oauth base}/authorize`, whose base ends in `/api/oauth2`.

use super::Route;
use crate::handlers::{authorize, tokens};

pub(super) fn rows() -> Vec<Route> {
    vec![
        Route::post("/oauth2/token", "post_oauth2_token", tokens::issue_token),
        Route::post("/oauth2/revoke", "post_oauth2_revoke", tokens::revoke_token),
        Route::get("/oauth2/authorize", "get_authorize", authorize::show),
        Route::post("/oauth2/authorize", "boxwood_authorize_decide", authorize::decide),
        Route::get("/api/oauth2/authorize", "get_authorize", authorize::show),
        Route::post(
            "/api/oauth2/authorize",
            "boxwood_authorize_decide",
            authorize::decide,
        ),
    ]
}
