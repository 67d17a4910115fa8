--
-- PostgreSQL database dump
--


-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: kapa_handoff_delivery_attempt; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.kapa_handoff_delivery_attempt (
    id integer NOT NULL,
    ticket_id uuid NOT NULL,
    number integer NOT NULL,
    recipient character varying(320) NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    outcome character varying(16),
    detail text
);


--
-- Name: COLUMN kapa_handoff_delivery_attempt.outcome; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_delivery_attempt.outcome IS 'delivered, delayed or failed; empty while its end is not known';


--
-- Name: kapa_handoff_delivery_attempt_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.kapa_handoff_delivery_attempt_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: kapa_handoff_delivery_attempt_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.kapa_handoff_delivery_attempt_id_seq OWNED BY public.kapa_handoff_delivery_attempt.id;


--
-- Name: kapa_handoff_desk; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.kapa_handoff_desk (
    name character varying(64) NOT NULL,
    enabled boolean NOT NULL,
    email character varying(320),
    button_text character varying(200),
    triggers character varying(100),
    threshold integer,
    version integer NOT NULL
);


--
-- Name: COLUMN kapa_handoff_desk.email; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_desk.email IS 'empty, like the next three: the site''s configuration holds';


--
-- Name: kapa_handoff_refusal; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.kapa_handoff_refusal (
    id integer NOT NULL,
    reason character varying(32) NOT NULL,
    detail character varying(500) NOT NULL,
    hour timestamp with time zone NOT NULL,
    count integer NOT NULL,
    last_at timestamp with time zone NOT NULL
);


--
-- Name: COLUMN kapa_handoff_refusal.hour; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_refusal.hour IS 'the hour that these are of, its start';


--
-- Name: kapa_handoff_refusal_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.kapa_handoff_refusal_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: kapa_handoff_refusal_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.kapa_handoff_refusal_id_seq OWNED BY public.kapa_handoff_refusal.id;


--
-- Name: kapa_handoff_schema_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.kapa_handoff_schema_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: kapa_handoff_settings_change; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.kapa_handoff_settings_change (
    id integer NOT NULL,
    desk character varying(64) NOT NULL,
    version integer NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    changed_by character varying(320) NOT NULL,
    before text NOT NULL,
    after text NOT NULL
);


--
-- Name: COLUMN kapa_handoff_settings_change.before; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_settings_change.before IS 'JSON of the settings';


--
-- Name: COLUMN kapa_handoff_settings_change.after; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_settings_change.after IS 'JSON of the settings';


--
-- Name: kapa_handoff_settings_change_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.kapa_handoff_settings_change_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: kapa_handoff_settings_change_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.kapa_handoff_settings_change_id_seq OWNED BY public.kapa_handoff_settings_change.id;


--
-- Name: kapa_handoff_ticket; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.kapa_handoff_ticket (
    id uuid NOT NULL,
    reference character varying(16) NOT NULL,
    submission_id uuid NOT NULL,
    content_digest character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    desk character varying(64) NOT NULL,
    recipient character varying(320) NOT NULL,
    visitor_email character varying(320) NOT NULL,
    email_key character varying(320) NOT NULL,
    visitor_name character varying(200),
    note text NOT NULL,
    subject character varying(200) NOT NULL,
    pairs integer NOT NULL,
    transcript_source character varying(16) NOT NULL,
    triggers character varying(100) NOT NULL,
    answer_id character varying(200),
    thread_id character varying(200),
    page text,
    locale character varying(35),
    client_key character varying(64) NOT NULL,
    follows uuid,
    status character varying(16) NOT NULL,
    attempts integer NOT NULL,
    queued_at timestamp with time zone NOT NULL,
    next_attempt_at timestamp with time zone,
    leased_until timestamp with time zone,
    last_error text,
    delivered_at timestamp with time zone,
    proxy_unheeded boolean DEFAULT false NOT NULL,
    offer_id character varying(32),
    network_key character varying(64),
    wide_network_key character varying(64),
    mailbox_key character varying(64),
    size integer DEFAULT 0 NOT NULL,
    flag text
);


--
-- Name: COLUMN kapa_handoff_ticket.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.id IS 'UUIDv7: ordered by time of creation';


--
-- Name: COLUMN kapa_handoff_ticket.content_digest; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.content_digest IS 'tells a repeated submit from another text';


--
-- Name: COLUMN kapa_handoff_ticket.email_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.email_key IS 'the address in lower case, to count and to find by';


--
-- Name: COLUMN kapa_handoff_ticket.subject; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.subject IS 'the first question, shortened';


--
-- Name: COLUMN kapa_handoff_ticket.queued_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.queued_at IS 'when it was stored, or last sent again by hand';


--
-- Name: COLUMN kapa_handoff_ticket.next_attempt_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.next_attempt_at IS 'when a queued ticket is due';


--
-- Name: COLUMN kapa_handoff_ticket.leased_until; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.leased_until IS 'until when the ticket being sent is nobody else''s';


--
-- Name: COLUMN kapa_handoff_ticket.proxy_unheeded; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.proxy_unheeded IS 'the request named the visitor''s address, and the app saw a proxy''s';


--
-- Name: COLUMN kapa_handoff_ticket.offer_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.offer_id IS 'an offer opens one ticket';


--
-- Name: COLUMN kapa_handoff_ticket.network_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.network_key IS 'of the client''s /24, or /56';


--
-- Name: COLUMN kapa_handoff_ticket.wide_network_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.wide_network_key IS 'of the client''s /48, IPv6 alone';


--
-- Name: COLUMN kapa_handoff_ticket.mailbox_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.mailbox_key IS 'of the mailbox, without tag and dots';


--
-- Name: COLUMN kapa_handoff_ticket.size; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.size IS 'octets of note and conversation';


--
-- Name: COLUMN kapa_handoff_ticket.flag; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.flag IS 'what the site''s own check says of it';


--
-- Name: kapa_handoff_transcript; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.kapa_handoff_transcript (
    ticket_id uuid NOT NULL,
    conversation text NOT NULL
);


--
-- Name: COLUMN kapa_handoff_transcript.conversation; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_transcript.conversation IS 'JSON; apart from the ticket, so that lists stay fast';


--
-- Name: kapa_handoff_delivery_attempt id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_delivery_attempt ALTER COLUMN id SET DEFAULT nextval('public.kapa_handoff_delivery_attempt_id_seq'::regclass);


--
-- Name: kapa_handoff_refusal id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_refusal ALTER COLUMN id SET DEFAULT nextval('public.kapa_handoff_refusal_id_seq'::regclass);


--
-- Name: kapa_handoff_settings_change id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_settings_change ALTER COLUMN id SET DEFAULT nextval('public.kapa_handoff_settings_change_id_seq'::regclass);


--
-- Data for Name: kapa_handoff_delivery_attempt; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_delivery_attempt VALUES (1, '01a22acd-d13e-7448-92c3-5c719eae5591', 1, 'help@example.com', '2026-11-30 04:54:24.186733+00', NULL, NULL, NULL);
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (2, '01a22acd-d13e-7448-92c3-5c719eae5591', 2, 'help@example.com', '2026-11-30 04:54:57.101444+00', NULL, NULL, NULL);
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (3, '01a22ace-e2ce-7bcb-baf3-aed1c5ef88ee', 1, 'help@example.com', '2026-11-30 04:55:33.969618+00', '2026-11-30 04:55:34.235302+00', 'failed', '550 5.1.1 No such user');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (4, '01a22ace-e2d8-7bdf-9462-34a31a15e96a', 1, 'help@example.com', '2026-11-30 04:55:34.273544+00', '2026-11-30 04:55:34.297124+00', 'delayed', '451 4.7.1 Try later');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (5, '01a22ace-e2ce-7bcb-baf3-aed1c5ef88ee', 2, 'help@example.com', '2026-11-30 04:55:40.06879+00', '2026-11-30 04:55:40.106396+00', 'delivered', '250 ok');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (6, '01a22ace-e2d8-7bdf-9462-34a31a15e96a', 2, 'help@example.com', '2026-11-30 04:55:40.12152+00', '2026-11-30 04:55:40.142348+00', 'delivered', '250 ok');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (7, '01a22acf-00c5-71be-a31d-a0316c0a6d47', 1, 'help@example.com', '2026-11-30 04:55:40.146954+00', '2026-11-30 04:55:40.153047+00', 'failed', '550 5.1.1 No such user');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (8, '01a22acf-00cb-70e1-b8cc-b80e69d6440d', 1, 'help@example.com', '2026-11-30 04:55:40.154434+00', '2026-11-30 04:55:40.157371+00', 'delayed', '451 4.7.1 Try later');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (9, '01a22acf-00d0-7ec7-9957-f40691f65d46', 1, 'help@example.com', '2026-11-30 04:55:40.158418+00', '2026-11-30 04:55:40.194178+00', 'unknown', 'Connection unexpectedly closed; the whole mail had been sent');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (10, '01a22acf-00d5-78f3-9d9f-e951ee77af6a', 1, 'help@example.com', '2026-11-30 04:55:40.243441+00', '2026-11-30 04:55:40.258095+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (11, '01a22acf-00dc-749f-9ebf-49ab5cf86259', 1, 'help@example.com', '2026-11-30 04:55:40.260529+00', '2026-11-30 04:55:40.272812+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (12, '01a22acf-00e1-7483-a95a-6a1be28d237b', 1, 'help@example.com', '2026-11-30 04:55:40.273908+00', '2026-11-30 04:55:40.277532+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (13, '01a22acf-00e6-7663-b139-971d6a9e7786', 1, 'help@example.com', '2026-11-30 04:55:40.279588+00', '2026-11-30 04:55:40.286367+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (14, '01a22acf-00f9-787e-80f0-6b71954a9dbe', 1, 'help@example.com', '2026-11-30 04:55:40.28727+00', '2026-11-30 04:55:40.290257+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (15, '01a22acf-0103-7464-9837-e612fcdd2a85', 1, 'help@example.com', '2026-11-30 04:55:40.293236+00', '2026-11-30 04:55:40.299821+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (16, '01a22acf-0108-7493-bbd0-053f8ed429df', 1, 'help@example.com', '2026-11-30 04:55:40.30073+00', '2026-11-30 04:55:40.303275+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (17, '01a22acf-06d2-7ca4-9f03-069d653e9387', 1, 'help@example.com', '2026-11-30 04:55:41.420175+00', NULL, NULL, NULL);
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (18, '01a22acf-0ade-74de-b48d-39935433993d', 1, 'help@example.com', '2026-11-30 04:55:42.695769+00', '2026-11-30 04:55:42.809542+00', 'unreachable', 'ConnectionRefusedError: [Errno 111] Connection refused');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (19, '01a22acf-12fc-736e-85af-74165ae48dd3', 1, 'help@example.com', '2026-11-30 04:55:44.643302+00', NULL, NULL, NULL);


--
-- Data for Name: kapa_handoff_desk; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_desk VALUES ('default', true, 'help@example.com', 'Frag uns – „jetzt“', 'conversation-length,uncertainty,downvote', 2, 7);


--
-- Data for Name: kapa_handoff_refusal; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_refusal VALUES (1, 'rate_limited', 'client', '2026-11-30 04:00:00+00', 1, '2026-11-30 04:55:47.785571+00');
INSERT INTO public.kapa_handoff_refusal VALUES (2, 'offer_invalid', '', '2026-11-30 04:00:00+00', 1, '2026-11-30 04:55:47.785571+00');


--
-- Data for Name: kapa_handoff_schema_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_schema_version VALUES ('0003');


--
-- Data for Name: kapa_handoff_settings_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_settings_change VALUES (1, 'default', 1, '2026-11-30 04:54:20.673532+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Create ticket", "triggers": ["always"], "threshold": 3, "version": 0}', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["always"], "threshold": 3, "version": 1}');
INSERT INTO public.kapa_handoff_settings_change VALUES (2, 'default', 2, '2026-11-30 04:54:20.826531+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["always"], "threshold": 3, "version": 1}', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 2}');
INSERT INTO public.kapa_handoff_settings_change VALUES (5, 'default', 5, '2026-11-30 04:54:21.149932+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": null, "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 4}', '{"desk": "default", "enabled": false, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 5}');
INSERT INTO public.kapa_handoff_settings_change VALUES (6, 'default', 6, '2026-11-30 04:54:21.179181+00', 'anna@example.com', '{"desk": "default", "enabled": false, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 5}', '{"desk": "default", "enabled": true, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty", "downvote"], "threshold": 5, "version": 6}');
INSERT INTO public.kapa_handoff_settings_change VALUES (7, 'default', 7, '2026-11-30 04:54:21.221055+00', 'anna@example.com', '{"desk": "default", "enabled": true, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty", "downvote"], "threshold": 5, "version": 6}', '{"desk": "default", "enabled": true, "email": "help@example.com", "button_text": "Frag uns \u2013 \u201ejetzt\u201c", "triggers": ["conversation-length", "uncertainty", "downvote"], "threshold": 2, "version": 7}');
INSERT INTO public.kapa_handoff_settings_change VALUES (3, 'default', 3, '2026-11-30 04:54:20.932407+00', 'erased', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 2}', '{"desk": "default", "enabled": true, "email": null, "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 3}');
INSERT INTO public.kapa_handoff_settings_change VALUES (4, 'default', 4, '2026-11-30 04:54:21.047134+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": null, "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 3}', '{"desk": "default", "enabled": true, "email": null, "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 4}');


--
-- Data for Name: kapa_handoff_ticket; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acd-d13e-7448-92c3-5c719eae5591', 'T-ADEA3G', '261b1b2f-286d-4113-96eb-0ecc6a8718d5', 'e3e5c510da3d99356d5d0e57308bf9ed4bd6086d00f7bca8f0abd53f3d20b932', '2026-11-30 04:54:21.246789+00', 'default', 'help@example.com', 'cut-twice@example.com', 'cut-twice@example.com', NULL, 'This one is cut-twice.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 2, '2026-11-30 04:54:21.246789+00', '2026-11-30 04:56:31.0083+00', NULL, 'the process ended in the middle of the delivery, more than once', NULL, false, '2kGuxzpBiF09Td31drkl2w', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '9244f016800e7c442dd9deee0de08b38', 148, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-e2ce-7bcb-baf3-aed1c5ef88ee', 'T-NYE8TF', '84220128-ec37-47af-acbc-148ae14518b0', '2b828b5cd657f32a5c6c6f27d5e2880cee77b3d1cf8c57184c3a83bf930b33e7', '2026-11-30 04:55:31.278233+00', 'default', 'help@example.com', 'after-refusal@example.com', 'after-refusal@example.com', NULL, 'This one is after-refusal.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 2, '2026-11-30 04:55:36.529102+00', NULL, NULL, NULL, '2026-11-30 04:55:40.106396+00', false, 'oTQ7q6vMz2D1FJXpj8m2Jg', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'b6989d4ff8159ba2186891839f36bb85', 152, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-e2d8-7bdf-9462-34a31a15e96a', 'T-JTHTAS', '6da1879c-8808-4ce8-a240-968642b292b9', '79885845e6461ae3be5bf158c9bd9a1a1ea1d45a94c2dee280e679c3d36401a9', '2026-11-30 04:55:31.288401+00', 'default', 'help@example.com', 'second-try@example.com', 'second-try@example.com', NULL, 'This one is second-try.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 2, '2026-11-30 04:55:38.288633+00', NULL, NULL, NULL, '2026-11-30 04:55:40.142348+00', false, 'Ui4J0VqihVpAmOcTK3GNrw', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '2360af3ef5091c4a23afb4ca72d07029', 149, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-00c5-71be-a31d-a0316c0a6d47', 'T-8GXCQ2', 'e686635b-c5e3-4016-ad5e-1dd4b11112c4', '0d3c19946a92d28653c7738b4593233624b27b18db6edf56e2314da02cfb798a', '2026-11-30 04:55:38.949538+00', 'default', 'help@example.com', 'refused@example.com', 'refused@example.com', NULL, 'This one is refused.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'failed', 1, '2026-11-30 04:55:38.949538+00', NULL, NULL, '550 5.1.1 No such user', NULL, false, 'Z2OkmGx2sygIlYvYzKN1Eg', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '77a56d2b3bc8a54c395f25891afaaa04', 146, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-00cb-70e1-b8cc-b80e69d6440d', 'T-FESF9E', 'c70ed497-ff38-4019-ae37-907935e111d6', '29c942be5f0461aba7bd1fdc97991daacea654a48298510230f2f3b138024dfe', '2026-11-30 04:55:38.955294+00', 'default', 'help@example.com', 'delayed@example.com', 'delayed@example.com', NULL, 'This one is delayed.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 1, '2026-11-30 04:55:38.955294+00', '2026-11-30 04:56:40.157371+00', NULL, '451 4.7.1 Try later', NULL, false, 'U9YV65QHqE3QA6MHv5QvVA', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '5f087e6f5e4ae293bc038bfe6fb4d992', 146, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-00d0-7ec7-9957-f40691f65d46', 'T-JN5VXD', 'd3318131-296e-4c71-9230-18c0d3bc02b0', 'c2014a554c46e7cd8ca22628661162b4f25fdb8c55a84c6f821f6b99559a8229', '2026-11-30 04:55:38.960686+00', 'default', 'help@example.com', 'unknown@example.com', 'unknown@example.com', NULL, 'This one is unknown.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 1, '2026-11-30 04:55:38.960686+00', '2026-11-30 04:56:40.194178+00', NULL, 'Connection unexpectedly closed; the whole mail had been sent', NULL, false, 'w2p13IkQe8hePgSNw5qUBQ', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'f865ae05f4922868e74d97e8767d3708', 146, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-00d5-78f3-9d9f-e951ee77af6a', 'T-PNKPCV', '9b89b85a-6da9-474f-b405-13ad162e2509', '5419375a34974e88084b6554a9e3eb898e0ed376d43986087bb54fbaaa2c3285', '2026-11-30 04:55:38.965717+00', 'default', 'help@example.com', 'delivered@example.com', 'delivered@example.com', NULL, 'This one is delivered.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:38.965717+00', NULL, NULL, NULL, '2026-11-30 04:55:40.258095+00', false, 'w4DVaNMI21YZ8TXHHuXbRA', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '7a8f3774957058cfeaeda6fddf9fafd7', 148, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-00dc-749f-9ebf-49ab5cf86259', 'T-PRY6GB', '38ff0284-4443-4dfc-915d-1007638aafe6', '670f21a0c1923e89e07e3f7c5cd3a3296e28e91dcba644742cbc235724f0f3dc', '2026-11-30 04:55:38.972406+00', 'default', 'help@example.com', 'rich@example.com', 'rich@example.com', NULL, 'Zwei Zeilen:
hier „so“ – und 😀.

<script>alert(1)</script>', 'Wie geht es? 如何？ <b>bold</b>', 3, 'browser', 'conversation-length,uncertainty', 'r3', 'rich-1', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:38.972406+00', NULL, NULL, NULL, '2026-11-30 04:55:40.272812+00', false, 'LGsdkc2ePsShPxUlvuEV3g', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '9c3258fcf6b0ce35af4902cb5e8a1887', 596, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-00e1-7483-a95a-6a1be28d237b', 'T-SXC6X6', 'f8d1654a-586a-4b3e-a7b4-462fd0b4fcf9', '1570c54d201817289609299cd3e6f6dbb8696a912687f85542b95ee6ead53a12', '2026-11-30 04:55:38.977558+00', 'default', 'help@example.com', 'thread@example.com', 'thread@example.com', NULL, 'Part 1.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', 't-1', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:38.977558+00', NULL, NULL, NULL, '2026-11-30 04:55:40.277532+00', false, '2bZSI7fIr8iN7aDGeSrzew', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '1d877494398988d164a58378979213ba', 133, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-00e6-7663-b139-971d6a9e7786', 'T-EJBM3B', '80d03867-b465-4208-a397-4453840d1275', '08e6a935c9c501003c303cb403145d06c4a088de1f037ce5a65158081a57cb42', '2026-11-30 04:55:38.98262+00', 'default', 'help@example.com', 'thread@example.com', 'thread@example.com', NULL, 'Part 2.', 'How do I rotate a key?', 2, 'browser', 'conversation-length,uncertainty', 'a1', 't-1', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', '01a22acf-00e1-7483-a95a-6a1be28d237b', 'delivered', 1, '2026-11-30 04:55:38.98262+00', NULL, NULL, NULL, '2026-11-30 04:55:40.286367+00', false, 'u9eCktts9F_W5PF-gnsgbg', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '1d877494398988d164a58378979213ba', 258, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-00f9-787e-80f0-6b71954a9dbe', 'T-ESCKEW', '413cbfe0-005a-4847-b8b6-2ca81ca339a0', '2bb48c4a59d43de841713c66bffd866a00003ba7a4675803c6bdb03905c83840', '2026-11-30 04:55:39.00158+00', 'default', 'help@example.com', 'kept@example.com', 'kept@example.com', NULL, 'This one is kept.', 'Who am I?', 1, 'site', 'uncertainty', 'k1', 'kept', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:39.00158+00', NULL, NULL, NULL, '2026-11-30 04:55:40.290257+00', false, 'WO4A9-2e3uwAzCLGtetO7w', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '167eed0fdaed7baeb2ee5544427fd9b9', 131, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-0103-7464-9837-e612fcdd2a85', 'T-PY5B9C', '07581c4f-c95a-4b98-9dd3-68f607d584ff', 'a0414b3caf728cfd2d5fd520375daca30ccc1be31d5225a9fd387d500dcc8d2b', '2026-11-30 04:55:39.011129+00', 'default', 'help@example.com', 'signed-in@example.com', 'signed-in@example.com', 'Vera Example', 'This one is signed-in.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:39.011129+00', NULL, NULL, NULL, '2026-11-30 04:55:40.299821+00', false, 'qrgDE9SifukOREdzoWNFbg', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '8442d8f1179657092518339a537f4bef', 148, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-0108-7493-bbd0-053f8ed429df', 'T-Y4NNYQ', 'a74b613d-aece-4c40-8cd3-0c48df841995', '558412ee7b2aba48cc0e86e60efef100354d2abc89a5ec657368ef1e0dbe13c3', '2026-11-30 04:55:39.016067+00', 'default', 'help@example.com', 'flagged@example.com', 'flagged@example.com', NULL, 'This one is flagged.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:39.016067+00', NULL, NULL, NULL, '2026-11-30 04:55:40.303275+00', false, 'tyAawTe5GC_AyXeMJCmd9A', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'bcb43c3ecd2756e5369eca7c0c8f181a', 146, 'The captcha was not sure.');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-06d2-7ca4-9f03-069d653e9387', 'T-RPP7P2', '6aa72cfd-c969-4f54-85ba-3a5478089395', '2acec54882a40809146989b93bf8c46ea7e9c6bedc797bc525450ee16d2f17e1', '2026-11-30 04:55:40.498463+00', 'default', 'help@example.com', 'sending@example.com', 'sending@example.com', NULL, 'This one is sending.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'sending', 1, '2026-11-30 04:55:40.498463+00', '2026-11-30 04:55:40.498463+00', '2026-11-30 05:06:11.420175+00', NULL, NULL, false, 'U75GgOn4CcaUIh0FlAPjmw', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'f55aa85df245dd3ca771db9d3dd29529', 146, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-1779-7bab-b646-41b382f23cc8', 'T-N6H376', '3b612f1f-4e3e-49e2-ba96-ae67d44ced0b', '920a412a8c72c6cc7ee4aba05f270d8523b7b5d0755d9e6200969b45e4807779', '2026-11-30 04:55:44.761842+00', 'default', 'help@example.com', 'queued@example.com', 'queued@example.com', NULL, 'This one is queued.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 0, '2026-11-30 04:55:44.761842+00', '2026-11-30 04:55:44.761842+00', NULL, NULL, NULL, false, 'AgbGDJV7VZWnRHllYoSxcw', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '7fc951850bb791f64949287ee8d6da06', 145, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-0ade-74de-b48d-39935433993d', 'T-7KXE3V', '2068fb9b-7ebd-433c-9795-c0634bd8b33e', 'afa6cc26cd66ef2d746924c8fb00d3707bb90b4b7bee1e077893e5a910794c1b', '2026-11-30 04:55:41.534569+00', 'default', 'help@example.com', 'unreachable@example.com', 'unreachable@example.com', NULL, 'This one is unreachable.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 1, '2026-11-30 04:55:41.534569+00', '2026-11-30 04:56:42.809542+00', NULL, 'ConnectionRefusedError: [Errno 111] Connection refused', NULL, false, 'bSH3Ia0DgJwAqaZA6lGezw', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'b84ae87f2db5b159a3edb467d52c623e', 150, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-12fc-736e-85af-74165ae48dd3', 'T-JGTV3A', '8d538b59-2d2c-4f43-b650-dba3dfe58836', 'ff36e76e910f27b14a8c1f113ed408adeb20182a4b78cca991c029e6c47d1a96', '2026-11-30 04:55:43.612206+00', 'default', 'help@example.com', 'cut@example.com', 'cut@example.com', NULL, 'This one is cut.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'sending', 1, '2026-11-30 04:55:43.612206+00', '2026-11-30 04:55:43.612206+00', '2026-11-30 04:56:15.643302+00', NULL, NULL, false, 'PG_Z8H1QTEEoca01-rUPrA', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '79082189df2dab178af1dc32f6de5323', 142, NULL);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acf-1ef7-7878-814b-6d6e54ea9a85', 'T-KQAEYQ', 'bc56f571-2195-49ae-83cf-0534f28780b1', '06e88dde8f20f33dd1888707388367d1eeefef0b896207fe6974636f0ceb7b41', '2026-11-30 04:55:46.679784+00', 'default', 'help@example.com', 'held@example.com', 'held@example.com', NULL, 'This one is held.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'held', 0, '2026-11-30 04:55:46.679784+00', '2026-11-30 05:55:46.679784+00', NULL, NULL, NULL, false, 'E9zJIDNxBw5b7CWqJlpupA', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'c707e32ec602cea20ed840c9e13cbeeb', 143, NULL);


--
-- Data for Name: kapa_handoff_transcript; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acd-d13e-7448-92c3-5c719eae5591', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-e2ce-7bcb-baf3-aed1c5ef88ee', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-e2d8-7bdf-9462-34a31a15e96a', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-00c5-71be-a31d-a0316c0a6d47', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-00cb-70e1-b8cc-b80e69d6440d', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-00d0-7ec7-9957-f40691f65d46', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-00d5-78f3-9d9f-e951ee77af6a', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-00dc-749f-9ebf-49ab5cf86259', '[{"id":"r1","question":"Wie geht es? 如何？ <b>bold</b>","answer":"Press **Save**, see [the page](https://docs.example.com/save).\n\n```sh\nsave --all\n```","sources":[{"title":"Saving","url":"https://docs.example.com/save"},{"title":"No address","url":""}],"uncertain":true,"reaction":"downvote"},{"id":"r2","question":"And then?","answer":"Nothing more.","sources":[],"uncertain":false,"reaction":"upvote"},{"id":"r3","question":"My card is [hidden: card number]","answer":"","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-00e1-7483-a95a-6a1be28d237b', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-00e6-7663-b139-971d6a9e7786', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null},{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-00f9-787e-80f0-6b71954a9dbe', '[{"id":"k1","question":"Who am I?","answer":"You are *signed in*.","sources":[],"uncertain":true,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-0103-7464-9837-e612fcdd2a85', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-0108-7493-bbd0-053f8ed429df', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-06d2-7ca4-9f03-069d653e9387', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-0ade-74de-b48d-39935433993d', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-12fc-736e-85af-74165ae48dd3', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-1779-7bab-b646-41b382f23cc8', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acf-1ef7-7878-814b-6d6e54ea9a85', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');


--
-- Name: kapa_handoff_delivery_attempt_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.kapa_handoff_delivery_attempt_id_seq', 19, true);


--
-- Name: kapa_handoff_refusal_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.kapa_handoff_refusal_id_seq', 2, true);


--
-- Name: kapa_handoff_settings_change_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.kapa_handoff_settings_change_id_seq', 7, true);


--
-- Name: kapa_handoff_schema_version kapa_handoff_schema_version_pkc; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_schema_version
    ADD CONSTRAINT kapa_handoff_schema_version_pkc PRIMARY KEY (version_num);


--
-- Name: kapa_handoff_delivery_attempt pk_kapa_handoff_delivery_attempt; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_delivery_attempt
    ADD CONSTRAINT pk_kapa_handoff_delivery_attempt PRIMARY KEY (id);


--
-- Name: kapa_handoff_desk pk_kapa_handoff_desk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_desk
    ADD CONSTRAINT pk_kapa_handoff_desk PRIMARY KEY (name);


--
-- Name: kapa_handoff_refusal pk_kapa_handoff_refusal; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_refusal
    ADD CONSTRAINT pk_kapa_handoff_refusal PRIMARY KEY (id);


--
-- Name: kapa_handoff_settings_change pk_kapa_handoff_settings_change; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_settings_change
    ADD CONSTRAINT pk_kapa_handoff_settings_change PRIMARY KEY (id);


--
-- Name: kapa_handoff_ticket pk_kapa_handoff_ticket; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_ticket
    ADD CONSTRAINT pk_kapa_handoff_ticket PRIMARY KEY (id);


--
-- Name: kapa_handoff_transcript pk_kapa_handoff_transcript; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_transcript
    ADD CONSTRAINT pk_kapa_handoff_transcript PRIMARY KEY (ticket_id);


--
-- Name: kapa_handoff_delivery_attempt uq_kapa_handoff_delivery_attempt_ticket_id; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_delivery_attempt
    ADD CONSTRAINT uq_kapa_handoff_delivery_attempt_ticket_id UNIQUE (ticket_id, number);


--
-- Name: kapa_handoff_refusal uq_kapa_handoff_refusal_hour; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_refusal
    ADD CONSTRAINT uq_kapa_handoff_refusal_hour UNIQUE (hour, reason, detail);


--
-- Name: kapa_handoff_settings_change uq_kapa_handoff_settings_change_desk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_settings_change
    ADD CONSTRAINT uq_kapa_handoff_settings_change_desk UNIQUE (desk, version);


--
-- Name: kapa_handoff_ticket uq_kapa_handoff_ticket_reference; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_ticket
    ADD CONSTRAINT uq_kapa_handoff_ticket_reference UNIQUE (reference);


--
-- Name: kapa_handoff_ticket uq_kapa_handoff_ticket_submission_id; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_ticket
    ADD CONSTRAINT uq_kapa_handoff_ticket_submission_id UNIQUE (submission_id);


--
-- Name: ix_kapa_handoff_ticket_client_key_created_at_size; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_client_key_created_at_size ON public.kapa_handoff_ticket USING btree (client_key, created_at, size);


--
-- Name: ix_kapa_handoff_ticket_created_at_size; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_created_at_size ON public.kapa_handoff_ticket USING btree (created_at, size);


--
-- Name: ix_kapa_handoff_ticket_delivered_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_delivered_at ON public.kapa_handoff_ticket USING btree (delivered_at) WHERE (delivered_at IS NOT NULL);


--
-- Name: ix_kapa_handoff_ticket_email_key_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_email_key_created_at ON public.kapa_handoff_ticket USING btree (email_key, created_at);


--
-- Name: ix_kapa_handoff_ticket_follows; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_follows ON public.kapa_handoff_ticket USING btree (follows) WHERE (follows IS NOT NULL);


--
-- Name: ix_kapa_handoff_ticket_mailbox_key_created_at_size; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_mailbox_key_created_at_size ON public.kapa_handoff_ticket USING btree (mailbox_key, created_at, size);


--
-- Name: ix_kapa_handoff_ticket_network_key_created_at_size; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_network_key_created_at_size ON public.kapa_handoff_ticket USING btree (network_key, created_at, size);


--
-- Name: ix_kapa_handoff_ticket_offer_id; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX ix_kapa_handoff_ticket_offer_id ON public.kapa_handoff_ticket USING btree (offer_id);


--
-- Name: ix_kapa_handoff_ticket_status_next_attempt_at_id_queued_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_status_next_attempt_at_id_queued_at ON public.kapa_handoff_ticket USING btree (status, next_attempt_at, id, queued_at);


--
-- Name: ix_kapa_handoff_ticket_thread_id_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_thread_id_created_at ON public.kapa_handoff_ticket USING btree (thread_id, created_at);


--
-- Name: ix_kapa_handoff_ticket_wide_network_key_created_at_size; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_wide_network_key_created_at_size ON public.kapa_handoff_ticket USING btree (wide_network_key, created_at, size);


--
-- Name: kapa_handoff_delivery_attempt fk_kapa_handoff_delivery_attempt_ticket_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_delivery_attempt
    ADD CONSTRAINT fk_kapa_handoff_delivery_attempt_ticket_id FOREIGN KEY (ticket_id) REFERENCES public.kapa_handoff_ticket(id) ON DELETE CASCADE;


--
-- Name: kapa_handoff_ticket fk_kapa_handoff_ticket_follows; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_ticket
    ADD CONSTRAINT fk_kapa_handoff_ticket_follows FOREIGN KEY (follows) REFERENCES public.kapa_handoff_ticket(id) ON DELETE SET NULL;


--
-- Name: kapa_handoff_transcript fk_kapa_handoff_transcript_ticket_id; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_transcript
    ADD CONSTRAINT fk_kapa_handoff_transcript_ticket_id FOREIGN KEY (ticket_id) REFERENCES public.kapa_handoff_ticket(id) ON DELETE CASCADE;


--
-- PostgreSQL database dump complete
--


