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
    proxy_unheeded boolean DEFAULT false NOT NULL
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
-- Name: kapa_handoff_settings_change id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.kapa_handoff_settings_change ALTER COLUMN id SET DEFAULT nextval('public.kapa_handoff_settings_change_id_seq'::regclass);


--
-- Data for Name: kapa_handoff_delivery_attempt; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_delivery_attempt VALUES (1, '01a22acd-a0d1-7bd6-b51c-fb6cc8432850', 1, 'help@example.com', '2026-11-30 04:54:13.461775+00', NULL, NULL, NULL);
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (2, '01a22acd-a0d1-7bd6-b51c-fb6cc8432850', 2, 'help@example.com', '2026-11-30 04:54:46.857411+00', NULL, NULL, NULL);
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (3, '01a22ace-baa3-7c65-bcfb-f665574bca6c', 1, 'help@example.com', '2026-11-30 04:55:22.542588+00', '2026-11-30 04:55:22.575243+00', 'failed', '550 5.1.1 No such user');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (4, '01a22ace-baad-74b1-a55b-870f5d895816', 1, 'help@example.com', '2026-11-30 04:55:22.583007+00', '2026-11-30 04:55:22.587131+00', 'delayed', '451 4.7.1 Try later');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (5, '01a22ace-baa3-7c65-bcfb-f665574bca6c', 2, 'help@example.com', '2026-11-30 04:55:26.865753+00', '2026-11-30 04:55:26.923165+00', 'delivered', '250 ok');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (6, '01a22ace-baad-74b1-a55b-870f5d895816', 2, 'help@example.com', '2026-11-30 04:55:26.927664+00', '2026-11-30 04:55:26.930407+00', 'delivered', '250 ok');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (7, '01a22ace-cd4c-747b-87b3-30aec96154fc', 1, 'help@example.com', '2026-11-30 04:55:26.931249+00', '2026-11-30 04:55:26.933385+00', 'failed', '550 5.1.1 No such user');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (8, '01a22ace-cd5f-7a55-ba48-6c907b74abd1', 1, 'help@example.com', '2026-11-30 04:55:26.934354+00', '2026-11-30 04:55:26.938719+00', 'delayed', '451 4.7.1 Try later');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (9, '01a22ace-cd72-7cc8-b681-c148635cd9a5', 1, 'help@example.com', '2026-11-30 04:55:26.939677+00', '2026-11-30 04:55:26.946895+00', 'unknown', 'Connection unexpectedly closed; the whole mail had been sent');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (10, '01a22ace-cd84-7a2b-8f20-8d4614926543', 1, 'help@example.com', '2026-11-30 04:55:26.94783+00', '2026-11-30 04:55:26.952267+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (11, '01a22ace-cd96-76c0-884b-afd4c728d8fd', 1, 'help@example.com', '2026-11-30 04:55:26.954053+00', '2026-11-30 04:55:26.978856+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (12, '01a22ace-cda5-7b13-babe-7930b54e4815', 1, 'help@example.com', '2026-11-30 04:55:26.979994+00', '2026-11-30 04:55:26.997437+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (13, '01a22ace-cdbc-7ea0-9d11-7ed5c33ccad3', 1, 'help@example.com', '2026-11-30 04:55:26.998381+00', '2026-11-30 04:55:27.009766+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (14, '01a22ace-cdec-73d9-8909-e532187a2e8b', 1, 'help@example.com', '2026-11-30 04:55:27.010642+00', '2026-11-30 04:55:27.018988+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (15, '01a22ace-cdfd-7a08-9196-72d214de350b', 1, 'help@example.com', '2026-11-30 04:55:27.019899+00', '2026-11-30 04:55:27.029325+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (16, '01a22ace-ce02-7592-a94f-755d3a1f4ee8', 1, 'help@example.com', '2026-11-30 04:55:27.030197+00', '2026-11-30 04:55:27.037684+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (17, '01a22ace-d31c-74c9-8024-4f0713d92074', 1, 'help@example.com', '2026-11-30 04:55:27.855152+00', NULL, NULL, NULL);
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (18, '01a22ace-d5ad-7cf4-bedb-cc415048b5fd', 1, 'help@example.com', '2026-11-30 04:55:29.074851+00', '2026-11-30 04:55:29.183044+00', 'unreachable', 'ConnectionRefusedError: [Errno 111] Connection refused');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (19, '01a22ace-df68-7ac4-a302-b8eab772ee0c', 1, 'help@example.com', '2026-11-30 04:55:33.237177+00', NULL, NULL, NULL);


--
-- Data for Name: kapa_handoff_desk; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_desk VALUES ('default', true, 'help@example.com', 'Frag uns – „jetzt“', 'conversation-length,uncertainty,downvote', 2, 7);


--
-- Data for Name: kapa_handoff_schema_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_schema_version VALUES ('0002');


--
-- Data for Name: kapa_handoff_settings_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_settings_change VALUES (1, 'default', 1, '2026-11-30 04:54:08.650759+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Create ticket", "triggers": ["always"], "threshold": 3, "version": 0}', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["always"], "threshold": 3, "version": 1}');
INSERT INTO public.kapa_handoff_settings_change VALUES (2, 'default', 2, '2026-11-30 04:54:08.679733+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["always"], "threshold": 3, "version": 1}', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 2}');
INSERT INTO public.kapa_handoff_settings_change VALUES (3, 'default', 3, '2026-11-30 04:54:08.714873+00', 'gone@example.com', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 2}', '{"desk": "default", "enabled": true, "email": "gone@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 3}');
INSERT INTO public.kapa_handoff_settings_change VALUES (4, 'default', 4, '2026-11-30 04:54:08.751766+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": "gone@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 3}', '{"desk": "default", "enabled": true, "email": null, "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 4}');
INSERT INTO public.kapa_handoff_settings_change VALUES (5, 'default', 5, '2026-11-30 04:54:08.779604+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": null, "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 4}', '{"desk": "default", "enabled": false, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 5}');
INSERT INTO public.kapa_handoff_settings_change VALUES (6, 'default', 6, '2026-11-30 04:54:08.808575+00', 'anna@example.com', '{"desk": "default", "enabled": false, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 5}', '{"desk": "default", "enabled": true, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty", "downvote"], "threshold": 5, "version": 6}');
INSERT INTO public.kapa_handoff_settings_change VALUES (7, 'default', 7, '2026-11-30 04:54:08.829367+00', 'anna@example.com', '{"desk": "default", "enabled": true, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty", "downvote"], "threshold": 5, "version": 6}', '{"desk": "default", "enabled": true, "email": "help@example.com", "button_text": "Frag uns \u2013 \u201ejetzt\u201c", "triggers": ["conversation-length", "uncertainty", "downvote"], "threshold": 2, "version": 7}');


--
-- Data for Name: kapa_handoff_ticket; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_ticket VALUES ('01a22acd-a0d1-7bd6-b51c-fb6cc8432850', 'T-H2BVDX', 'f9d29163-2237-4803-8afd-0b34ec2094dd', 'e3e5c510da3d99356d5d0e57308bf9ed4bd6086d00f7bca8f0abd53f3d20b932', '2026-11-30 04:54:08.849868+00', 'default', 'help@example.com', 'cut-twice@example.com', 'cut-twice@example.com', NULL, 'This one is cut-twice.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 2, '2026-11-30 04:54:08.849868+00', '2026-11-30 04:56:20.001915+00', NULL, 'the process ended in the middle of the delivery, more than once', NULL, false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-baa3-7c65-bcfb-f665574bca6c', 'T-DDHFEN', '2eafd25f-2939-45dd-b91e-9d817fc3c70d', '2b828b5cd657f32a5c6c6f27d5e2880cee77b3d1cf8c57184c3a83bf930b33e7', '2026-11-30 04:55:20.995453+00', 'default', 'help@example.com', 'after-refusal@example.com', 'after-refusal@example.com', NULL, 'This one is after-refusal.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 2, '2026-11-30 04:55:24.23971+00', NULL, NULL, NULL, '2026-11-30 04:55:26.923165+00', false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-baad-74b1-a55b-870f5d895816', 'T-CJSCSP', '4a011471-cc19-46e3-9dcf-3a82153445e8', '79885845e6461ae3be5bf158c9bd9a1a1ea1d45a94c2dee280e679c3d36401a9', '2026-11-30 04:55:21.005073+00', 'default', 'help@example.com', 'second-try@example.com', 'second-try@example.com', NULL, 'This one is second-try.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 2, '2026-11-30 04:55:25.330231+00', NULL, NULL, NULL, '2026-11-30 04:55:26.930407+00', false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-cd4c-747b-87b3-30aec96154fc', 'T-3EN48C', 'd7691c8b-3f01-48f2-8d20-40c6323c5362', '0d3c19946a92d28653c7738b4593233624b27b18db6edf56e2314da02cfb798a', '2026-11-30 04:55:25.772847+00', 'default', 'help@example.com', 'refused@example.com', 'refused@example.com', NULL, 'This one is refused.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'failed', 1, '2026-11-30 04:55:25.772847+00', NULL, NULL, '550 5.1.1 No such user', NULL, false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-cd5f-7a55-ba48-6c907b74abd1', 'T-3Y52YC', 'b95aa3fc-44f3-4a3d-9058-c785bfa4ea65', '29c942be5f0461aba7bd1fdc97991daacea654a48298510230f2f3b138024dfe', '2026-11-30 04:55:25.791628+00', 'default', 'help@example.com', 'delayed@example.com', 'delayed@example.com', NULL, 'This one is delayed.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 1, '2026-11-30 04:55:25.791628+00', '2026-11-30 04:56:26.938719+00', NULL, '451 4.7.1 Try later', NULL, false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-cd72-7cc8-b681-c148635cd9a5', 'T-AV6WN8', '2646d746-c852-43ae-9e09-03678e542ad0', 'c2014a554c46e7cd8ca22628661162b4f25fdb8c55a84c6f821f6b99559a8229', '2026-11-30 04:55:25.810682+00', 'default', 'help@example.com', 'unknown@example.com', 'unknown@example.com', NULL, 'This one is unknown.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 1, '2026-11-30 04:55:25.810682+00', '2026-11-30 04:56:26.946895+00', NULL, 'Connection unexpectedly closed; the whole mail had been sent', NULL, false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-cd84-7a2b-8f20-8d4614926543', 'T-KV7WMM', '47411b95-db10-4d3c-a21b-fe5a84a366e2', '5419375a34974e88084b6554a9e3eb898e0ed376d43986087bb54fbaaa2c3285', '2026-11-30 04:55:25.828265+00', 'default', 'help@example.com', 'delivered@example.com', 'delivered@example.com', NULL, 'This one is delivered.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:25.828265+00', NULL, NULL, NULL, '2026-11-30 04:55:26.952267+00', false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-cd96-76c0-884b-afd4c728d8fd', 'T-HMEVYC', 'eca74778-8c23-49d6-87fa-67398696c054', '670f21a0c1923e89e07e3f7c5cd3a3296e28e91dcba644742cbc235724f0f3dc', '2026-11-30 04:55:25.846887+00', 'default', 'help@example.com', 'rich@example.com', 'rich@example.com', NULL, 'Zwei Zeilen:
hier „so“ – und 😀.

<script>alert(1)</script>', 'Wie geht es? 如何？ <b>bold</b>', 3, 'browser', 'conversation-length,uncertainty', 'r3', 'rich-1', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:25.846887+00', NULL, NULL, NULL, '2026-11-30 04:55:26.978856+00', false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-cda5-7b13-babe-7930b54e4815', 'T-8K6WBZ', '0cea72a8-83ec-4666-b6ce-8515ea1e648a', '1570c54d201817289609299cd3e6f6dbb8696a912687f85542b95ee6ead53a12', '2026-11-30 04:55:25.861245+00', 'default', 'help@example.com', 'thread@example.com', 'thread@example.com', NULL, 'Part 1.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', 't-1', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:25.861245+00', NULL, NULL, NULL, '2026-11-30 04:55:26.997437+00', false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-cdbc-7ea0-9d11-7ed5c33ccad3', 'T-9WHBJW', '8e7aa4b7-dc8c-4856-9d62-0b667002ca37', '08e6a935c9c501003c303cb403145d06c4a088de1f037ce5a65158081a57cb42', '2026-11-30 04:55:25.884675+00', 'default', 'help@example.com', 'thread@example.com', 'thread@example.com', NULL, 'Part 2.', 'How do I rotate a key?', 2, 'browser', 'conversation-length,uncertainty', 'a1', 't-1', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', '01a22ace-cda5-7b13-babe-7930b54e4815', 'delivered', 1, '2026-11-30 04:55:25.884675+00', NULL, NULL, NULL, '2026-11-30 04:55:27.009766+00', false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-cdec-73d9-8909-e532187a2e8b', 'T-6FN5FW', '5ab764d1-060a-4729-bf07-86c10d5267f3', '2bb48c4a59d43de841713c66bffd866a00003ba7a4675803c6bdb03905c83840', '2026-11-30 04:55:25.932282+00', 'default', 'help@example.com', 'kept@example.com', 'kept@example.com', NULL, 'This one is kept.', 'Who am I?', 1, 'site', 'uncertainty', 'k1', 'kept', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:25.932282+00', NULL, NULL, NULL, '2026-11-30 04:55:27.018988+00', false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-cdfd-7a08-9196-72d214de350b', 'T-HVGRXN', 'd040eed7-8037-4278-9cd5-62ff81c1385d', 'a0414b3caf728cfd2d5fd520375daca30ccc1be31d5225a9fd387d500dcc8d2b', '2026-11-30 04:55:25.949505+00', 'default', 'help@example.com', 'signed-in@example.com', 'signed-in@example.com', 'Vera Example', 'This one is signed-in.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:25.949505+00', NULL, NULL, NULL, '2026-11-30 04:55:27.029325+00', false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-ce02-7592-a94f-755d3a1f4ee8', 'T-DKNMZT', '36226219-5043-42b7-819b-d42d9b168fd2', '558412ee7b2aba48cc0e86e60efef100354d2abc89a5ec657368ef1e0dbe13c3', '2026-11-30 04:55:25.954827+00', 'default', 'help@example.com', 'flagged@example.com', 'flagged@example.com', NULL, 'This one is flagged.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 04:55:25.954827+00', NULL, NULL, NULL, '2026-11-30 04:55:27.037684+00', false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-d31c-74c9-8024-4f0713d92074', 'T-2WR344', '1ec15622-986e-43dc-935b-f16332e79b03', '2acec54882a40809146989b93bf8c46ea7e9c6bedc797bc525450ee16d2f17e1', '2026-11-30 04:55:27.26041+00', 'default', 'help@example.com', 'sending@example.com', 'sending@example.com', NULL, 'This one is sending.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'sending', 1, '2026-11-30 04:55:27.26041+00', '2026-11-30 04:55:27.26041+00', '2026-11-30 05:05:57.855152+00', NULL, NULL, false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-d5ad-7cf4-bedb-cc415048b5fd', 'T-HHPCPB', '36508bc7-b35e-4584-b89e-8589a73a748c', 'afa6cc26cd66ef2d746924c8fb00d3707bb90b4b7bee1e077893e5a910794c1b', '2026-11-30 04:55:27.91762+00', 'default', 'help@example.com', 'unreachable@example.com', 'unreachable@example.com', NULL, 'This one is unreachable.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 1, '2026-11-30 04:55:27.91762+00', '2026-11-30 04:56:29.183044+00', NULL, 'ConnectionRefusedError: [Errno 111] Connection refused', NULL, false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-df68-7ac4-a302-b8eab772ee0c', 'T-WYNGEQ', '03bd6638-ccfe-4b8c-9541-4b5ad8d2a038', 'ff36e76e910f27b14a8c1f113ed408adeb20182a4b78cca991c029e6c47d1a96', '2026-11-30 04:55:30.408531+00', 'default', 'help@example.com', 'cut@example.com', 'cut@example.com', NULL, 'This one is cut.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'sending', 1, '2026-11-30 04:55:30.408531+00', '2026-11-30 04:55:30.408531+00', '2026-11-30 04:56:04.237177+00', NULL, NULL, false);
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22ace-eb0b-73ed-9ff4-9d3c2c00697d', 'T-7RFCSN', '3fe94491-bb66-4623-ae30-88016dd7bab4', '920a412a8c72c6cc7ee4aba05f270d8523b7b5d0755d9e6200969b45e4807779', '2026-11-30 04:55:33.387299+00', 'default', 'help@example.com', 'queued@example.com', 'queued@example.com', NULL, 'This one is queued.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 0, '2026-11-30 04:55:33.387299+00', '2026-11-30 04:55:33.387299+00', NULL, NULL, NULL, false);


--
-- Data for Name: kapa_handoff_transcript; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_transcript VALUES ('01a22acd-a0d1-7bd6-b51c-fb6cc8432850', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-baa3-7c65-bcfb-f665574bca6c', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-baad-74b1-a55b-870f5d895816', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-cd4c-747b-87b3-30aec96154fc', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-cd5f-7a55-ba48-6c907b74abd1', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-cd72-7cc8-b681-c148635cd9a5', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-cd84-7a2b-8f20-8d4614926543', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-cd96-76c0-884b-afd4c728d8fd', '[{"id":"r1","question":"Wie geht es? 如何？ <b>bold</b>","answer":"Press **Save**, see [the page](https://docs.example.com/save).\n\n```sh\nsave --all\n```","sources":[{"title":"Saving","url":"https://docs.example.com/save"},{"title":"No address","url":""}],"uncertain":true,"reaction":"downvote"},{"id":"r2","question":"And then?","answer":"Nothing more.","sources":[],"uncertain":false,"reaction":"upvote"},{"id":"r3","question":"My card is [hidden: card number]","answer":"","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-cda5-7b13-babe-7930b54e4815', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-cdbc-7ea0-9d11-7ed5c33ccad3', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null},{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-cdec-73d9-8909-e532187a2e8b', '[{"id":"k1","question":"Who am I?","answer":"You are *signed in*.","sources":[],"uncertain":true,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-cdfd-7a08-9196-72d214de350b', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-ce02-7592-a94f-755d3a1f4ee8', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-d31c-74c9-8024-4f0713d92074', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-d5ad-7cf4-bedb-cc415048b5fd', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-df68-7ac4-a302-b8eab772ee0c', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22ace-eb0b-73ed-9ff4-9d3c2c00697d', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');


--
-- Name: kapa_handoff_delivery_attempt_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.kapa_handoff_delivery_attempt_id_seq', 19, true);


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
-- Name: ix_kapa_handoff_ticket_client_key_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_client_key_created_at ON public.kapa_handoff_ticket USING btree (client_key, created_at);


--
-- Name: ix_kapa_handoff_ticket_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_created_at ON public.kapa_handoff_ticket USING btree (created_at);


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
-- Name: ix_kapa_handoff_ticket_status_next_attempt_at_id_queued_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_status_next_attempt_at_id_queued_at ON public.kapa_handoff_ticket USING btree (status, next_attempt_at, id, queued_at);


--
-- Name: ix_kapa_handoff_ticket_thread_id_created_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ix_kapa_handoff_ticket_thread_id_created_at ON public.kapa_handoff_ticket USING btree (thread_id, created_at);


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


