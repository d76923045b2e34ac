//! The tables as diesel sees them; the same on both databases. A test holds every column against the real ones.

diesel::table! {
    accounts (id) {
        id -> Binary,
        parent_id -> Nullable<Binary>,
        name -> Text,
        name_lower -> Text,
        website -> Text,
        about -> Text,
        external_id -> Nullable<Text>,
        owner_id -> Nullable<Binary>,
        track_opens -> Bool,
        track_clicks -> Bool,
        reject_bad_recipients -> Bool,
        reject_mistyped_recipients -> Bool,
        metadata_retention -> Integer,
        data_retention -> Integer,
        monthly_credit -> BigInt,
        time_zone -> Text,
        anchor_day -> Integer,
        brand_name -> Nullable<Text>,
        logo -> Nullable<Binary>,
        logo_type -> Nullable<Text>,
        number_style -> Text,
        search_text -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    account_summaries (account_id) {
        account_id -> Binary,
        parent_id -> Binary,
        name_lower -> Text,
        state -> Text,
        cap_state -> Text,
        monthly_credit -> BigInt,
        period_id -> Nullable<Binary>,
        sent -> BigInt,
        used_permille -> BigInt,
        delivered -> BigInt,
        bounced -> BigInt,
        complained -> BigInt,
        bounce_ppm -> BigInt,
        complaint_ppm -> BigInt,
        domain_count -> BigInt,
        member_count -> BigInt,
        last_activity_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    account_tags (account_id, tag) {
        account_id -> Binary,
        tag -> Text,
        parent_id -> Binary,
    }
}

diesel::table! {
    users (id) {
        id -> Binary,
        email -> Text,
        email_lower -> Text,
        name -> Text,
        password_hash -> Nullable<Text>,
        disabled_at -> Nullable<Timestamp>,
        last_sign_in_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    memberships (account_id, user_id) {
        account_id -> Binary,
        user_id -> Binary,
        role -> Text,
        invited_by -> Nullable<Binary>,
        accepted_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    user_tokens (id) {
        id -> Binary,
        kind -> Text,
        digest -> Binary,
        user_id -> Nullable<Binary>,
        account_id -> Nullable<Binary>,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    sessions (digest) {
        digest -> Binary,
        user_id -> Nullable<Binary>,
        state -> Text,
        address -> Text,
        user_agent -> Text,
        created_at -> Timestamp,
        last_seen_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    sign_in_failures (id) {
        id -> Binary,
        subject -> Binary,
        at -> Timestamp,
    }
}

diesel::table! {
    view_as_grants (id) {
        id -> Binary,
        user_id -> Binary,
        account_id -> Binary,
        reason -> Text,
        raised -> Bool,
        started_at -> Timestamp,
        expires_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Binary,
        account_id -> Binary,
        label -> Text,
        public_key -> Text,
        secret_digest -> Binary,
        ip_allow_list -> Text,
        created_by -> Text,
        last_used_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
        maker_id -> Nullable<Binary>,
    }
}

diesel::table! {
    api_key_scopes (id) {
        id -> Binary,
        api_key_id -> Binary,
        scope -> Text,
        domain_id -> Nullable<Binary>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    suspensions (id) {
        id -> Binary,
        account_id -> Binary,
        kind -> Text,
        reason -> Text,
        customer_text -> Text,
        created_by -> Text,
        created_at -> Timestamp,
        until_at -> Nullable<Timestamp>,
        lifted_by -> Nullable<Text>,
        lifted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    domains (id) {
        id -> Binary,
        account_id -> Binary,
        name -> Text,
        dkim_selector -> Nullable<Text>,
        active_selector -> Text,
        dkim_private_sealed -> Binary,
        dkim_public -> Text,
        tracking_subdomain -> Nullable<Text>,
        return_path_subdomain -> Nullable<Text>,
        subscription_subdomain -> Nullable<Text>,
        media_subdomain -> Nullable<Text>,
        dkim_rotation_interval_days -> Nullable<Integer>,
        dsn_recipient -> Nullable<Text>,
        record_states -> Text,
        verified_at -> Nullable<Timestamp>,
        last_check_at -> Nullable<Timestamp>,
        next_check_at -> Timestamp,
        failed_checks -> Integer,
        share_digest -> Nullable<Binary>,
        share_sealed -> Nullable<Binary>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    suppression_copies (domain_id) {
        domain_id -> Binary,
        after_id -> Binary,
    }
}

diesel::table! {
    suppressions (id) {
        id -> Binary,
        account_id -> Binary,
        email -> Text,
        email_lower -> Text,
        domain -> Text,
        reason -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    periods (id) {
        id -> Binary,
        account_id -> Binary,
        start_at -> Timestamp,
        end_at -> Timestamp,
        time_zone -> Text,
        anchor_day -> Integer,
        created_at -> Timestamp,
        days -> Nullable<Integer>,
        of_days -> Nullable<Integer>,
        closed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    plans (id) {
        id -> Binary,
        account_id -> Binary,
        effective_from -> Timestamp,
        currency -> Text,
        monthly_fee_minor -> BigInt,
        included -> BigInt,
        tiers -> Text,
        created_by -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    counters (account_id, period_id) {
        account_id -> Binary,
        period_id -> Binary,
        parent_id -> Binary,
        accepted -> BigInt,
        delivered -> BigInt,
        deferred -> BigInt,
        bounced -> BigInt,
        failed -> BigInt,
        suppressed -> BigInt,
        complained -> BigInt,
        last_activity_at -> Nullable<Timestamp>,
        dirty -> Bool,
        bounces_warned_at -> Nullable<Timestamp>,
        complaints_warned_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    usage_days (account_id, day, period_id) {
        account_id -> Binary,
        period_id -> Binary,
        day -> Text,
        parent_id -> Binary,
        accepted -> BigInt,
        delivered -> BigInt,
        deferred -> BigInt,
        bounced -> BigInt,
        failed -> BigInt,
        suppressed -> BigInt,
        complained -> BigInt,
    }
}

diesel::table! {
    usage_totals (parent_id, day, period_id) {
        parent_id -> Binary,
        day -> Text,
        period_id -> Binary,
        accepted -> BigInt,
        delivered -> BigInt,
        bounced -> BigInt,
        complained -> BigInt,
    }
}

diesel::table! {
    usage_domains (account_id, day, period_id, domain_id) {
        account_id -> Binary,
        period_id -> Binary,
        day -> Text,
        domain_id -> Binary,
        accepted -> BigInt,
        delivered -> BigInt,
        bounced -> BigInt,
        complained -> BigInt,
    }
}

diesel::table! {
    usage_tags (account_id, day, period_id, tag) {
        account_id -> Binary,
        period_id -> Binary,
        day -> Text,
        tag -> Text,
        accepted -> BigInt,
    }
}

diesel::table! {
    key_makers (id) {
        id -> Binary,
        account_id -> Binary,
        user_id -> Binary,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    smtp_credentials (id) {
        id -> Binary,
        account_id -> Binary,
        name -> Text,
        username -> Text,
        password_digest -> Binary,
        sandbox -> Bool,
        is_global -> Bool,
        created_by -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
        maker_id -> Nullable<Binary>,
    }
}

diesel::table! {
    smtp_credential_domains (credential_id, domain_id) {
        credential_id -> Binary,
        domain_id -> Binary,
        domain -> Text,
    }
}

diesel::table! {
    takeovers (domain_id) {
        domain_id -> Binary,
        after_id -> Nullable<Binary>,
    }
}

diesel::table! {
    clearings (id) {
        id -> Binary,
        account_id -> Binary,
        domain_id -> Nullable<Binary>,
        through_id -> Nullable<Binary>,
        cleared -> BigInt,
        noted_at -> Timestamp,
    }
}

diesel::table! {
    contents (id) {
        id -> Binary,
        account_id -> Binary,
        payload -> Binary,
        request_id -> Binary,
        purge_at -> Timestamp,
        is_raw -> Bool,
        last_message_id -> Binary,
        has_attachments -> Bool,
    }
}

diesel::table! {
    attachments (request_id, position) {
        request_id -> Binary,
        position -> Integer,
        file_name -> Text,
        content_type -> Text,
        disposition -> Nullable<Text>,
        content_id -> Nullable<Text>,
        data -> Binary,
    }
}

diesel::table! {
    messages (id) {
        id -> Binary,
        account_id -> Binary,
        domain_id -> Binary,
        period_id -> Binary,
        day -> Text,
        content_id -> Binary,
        sender -> Text,
        sender_domain -> Text,
        recipient -> Text,
        recipient_lower -> Text,
        recipient_name -> Nullable<Text>,
        subject -> Text,
        tags -> Text,
        status -> Text,
        sandbox -> Nullable<Text>,
        track_opens -> Bool,
        track_clicks -> Bool,
        num_attempts -> Integer,
        bounce_classification -> Text,
        scheduled_at -> Nullable<Timestamp>,
        expires_at -> Timestamp,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        sent_at -> Nullable<Timestamp>,
        delivered_at -> Nullable<Timestamp>,
        retain_until -> Timestamp,
        purge_at -> Timestamp,
    }
}

diesel::table! {
    message_events (message_id, id) {
        id -> Binary,
        message_id -> Binary,
        account_id -> Binary,
        at -> Timestamp,
        status -> Text,
        log -> Text,
    }
}

diesel::table! {
    attempts (message_id, id) {
        id -> Binary,
        message_id -> Binary,
        account_id -> Binary,
        number -> Integer,
        started_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
        status -> Text,
        host -> Text,
        code -> Nullable<Integer>,
        log -> Text,
    }
}

diesel::table! {
    queue (message_id) {
        message_id -> Binary,
        account_id -> Binary,
        due_at -> Timestamp,
        attempts -> Integer,
        expires_at -> Timestamp,
        parent_id -> Binary,
        destination -> Text,
        state -> Text,
    }
}

diesel::table! {
    queue_leases (message_id) {
        message_id -> Binary,
        account_id -> Binary,
        parent_id -> Binary,
        owner -> Binary,
        until_at -> Timestamp,
        attempt -> Integer,
    }
}

diesel::table! {
    account_queues (account_id) {
        account_id -> Binary,
        next_due_at -> Timestamp,
        served_at -> Timestamp,
    }
}

diesel::table! {
    returned_reports (message_id, kind) {
        message_id -> Binary,
        kind -> Text,
        account_id -> Binary,
        sender_domain -> Text,
        recipient_digest -> Binary,
        weight -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    departed (message_id) {
        message_id -> Binary,
        account_id -> Binary,
        domain_id -> Binary,
        period_id -> Binary,
        day -> Text,
        sender_domain -> Text,
        recipient_sealed -> Binary,
        status -> Text,
        left_at -> Timestamp,
    }
}

diesel::table! {
    inbound_refusals (day, reason) {
        day -> Text,
        reason -> Text,
        count -> BigInt,
    }
}

diesel::table! {
    transports (id) {
        id -> Binary,
        account_id -> Binary,
        name -> Text,
        kind -> Text,
        host -> Text,
        port -> Integer,
        tls -> Text,
        username -> Text,
        password_sealed -> Nullable<Binary>,
        source_ip -> Text,
        helo -> Text,
        max_connections -> Integer,
        messages_per_second -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    transport_choices (account_id) {
        account_id -> Binary,
        transport_id -> Binary,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    audit_entries (id) {
        id -> Binary,
        root_id -> Binary,
        seq -> BigInt,
        account_id -> Binary,
        at -> Timestamp,
        actor_kind -> Text,
        actor_id -> Nullable<Binary>,
        actor_label -> Text,
        on_behalf_of -> Nullable<Binary>,
        action -> Text,
        target -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        address -> Text,
        request_id -> Text,
        previous_hash -> Binary,
        hash -> Binary,
        key_version -> Nullable<Integer>,
    }
}

diesel::table! {
    audit_heads (root_id) {
        root_id -> Binary,
        seq -> BigInt,
        hash -> Binary,
        key_version -> Nullable<Integer>,
        tag -> Nullable<Binary>,
        unsealed -> BigInt,
    }
}

diesel::table! {
    idempotency_keys (account_id, key) {
        account_id -> Binary,
        key -> Text,
        fingerprint -> Binary,
        lease_until -> Timestamp,
        lease_owner -> Binary,
        status -> Nullable<Integer>,
        body -> Nullable<Binary>,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    system_mails (id) {
        id -> Binary,
        account_id -> Nullable<Binary>,
        kind -> Text,
        recipient -> Text,
        subject -> Text,
        body_sealed -> Binary,
        created_at -> Timestamp,
        due_at -> Timestamp,
        leased_until -> Nullable<Timestamp>,
        attempts -> Integer,
        last_error -> Text,
    }
}

diesel::table! {
    jobs (id) {
        id -> Binary,
        account_id -> Binary,
        user_id -> Nullable<Binary>,
        kind -> Text,
        title -> Text,
        payload -> Text,
        state -> Text,
        total -> Integer,
        done -> Integer,
        failed -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        finished_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    job_rows (job_id, position) {
        job_id -> Binary,
        position -> Integer,
        payload -> Text,
        state -> Text,
        result -> Text,
        secret_sealed -> Nullable<Binary>,
    }
}

diesel::table! {
    leases (name) {
        name -> Text,
        owner -> Binary,
        until_at -> Timestamp,
    }
}

diesel::table! {
    sending_limits (account_id) {
        account_id -> Binary,
        at_cap -> Text,
        hold_days -> Integer,
        daily -> BigInt,
        hourly -> BigInt,
        sends_nothing -> Bool,
        alerts -> Text,
        pool -> BigInt,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    usage_hours (account_id, hour) {
        account_id -> Binary,
        hour -> BigInt,
        accepted -> BigInt,
        released -> BigInt,
    }
}

diesel::table! {
    pool_counters (parent_id, period_id) {
        parent_id -> Binary,
        period_id -> Binary,
        accepted -> BigInt,
    }
}

diesel::table! {
    cap_alerts (account_id, period_id, percent) {
        account_id -> Binary,
        period_id -> Binary,
        percent -> Integer,
        told_at -> Timestamp,
    }
}

diesel::table! {
    held_messages (message_id) {
        message_id -> Binary,
        account_id -> Binary,
        held_at -> Timestamp,
        expires_at -> Timestamp,
        due_at -> Timestamp,
        parent_id -> Binary,
        destination -> Text,
    }
}
diesel::joinable!(transport_choices -> transports (transport_id));

diesel::table! {
    nodes (id) {
        id -> Binary,
        roles -> Text,
        host_name -> Text,
        started_at -> Timestamp,
        seen_at -> Timestamp,
    }
}

diesel::table! {
    mta_sts_policies (domain) {
        domain -> Text,
        policy_id -> Text,
        mode -> Text,
        mx -> Text,
        fetched_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    operator_letters (place) {
        place -> Integer,
        passed_at -> Timestamp,
    }
}

diesel::table! {
    rate_buckets (account_id) {
        account_id -> Binary,
        level -> BigInt,
        filled_at -> BigInt,
        granted -> BigInt,
    }
}

diesel::table! {
    saved_views (id) {
        id -> Binary,
        account_id -> Binary,
        user_id -> Binary,
        name -> Text,
        name_lower -> Text,
        shared -> Bool,
        query -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    smtp_credential_domains,
    smtp_credentials,
    account_queues,
    account_summaries,
    account_tags,
    accounts,
    api_key_scopes,
    api_keys,
    attachments,
    attempts,
    audit_entries,
    audit_heads,
    clearings,
    contents,
    cap_alerts,
    counters,
    departed,
    domains,
    held_messages,
    idempotency_keys,
    inbound_refusals,
    job_rows,
    jobs,
    key_makers,
    leases,
    memberships,
    message_events,
    messages,
    mta_sts_policies,
    nodes,
    operator_letters,
    periods,
    plans,
    pool_counters,
    queue,
    queue_leases,
    rate_buckets,
    returned_reports,
    saved_views,
    sending_limits,
    sessions,
    sign_in_failures,
    suppression_copies,
    suppressions,
    suspensions,
    takeovers,
    system_mails,
    transport_choices,
    transports,
    usage_days,
    usage_domains,
    usage_hours,
    usage_tags,
    usage_totals,
    user_tokens,
    users,
    view_as_grants,
);
