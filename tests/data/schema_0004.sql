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
    flag text,
    fields text
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
-- Name: COLUMN kapa_handoff_ticket.fields; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.kapa_handoff_ticket.fields IS 'JSON: what the form''s further fields say, by their names';


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

INSERT INTO public.kapa_handoff_delivery_attempt VALUES (1, '01a22c72-6a9d-723f-ad89-c4d41b2ad32d', 1, 'help@example.com', '2026-11-30 12:33:49.690046+00', NULL, NULL, NULL);
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (2, '01a22c72-6a9d-723f-ad89-c4d41b2ad32d', 2, 'help@example.com', '2026-11-30 12:34:26.73919+00', NULL, NULL, NULL);
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (3, '01a22c73-b226-77e7-bcc9-315ee465ae3f', 1, 'help@example.com', '2026-11-30 12:35:16.440851+00', '2026-11-30 12:35:16.840669+00', 'failed', '550 5.1.1 No such user');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (4, '01a22c73-b2e9-7f4b-8ae4-c888318377f4', 1, 'help@example.com', '2026-11-30 12:35:16.878596+00', '2026-11-30 12:35:16.899136+00', 'delayed', '451 4.7.1 Try later');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (5, '01a22c73-b226-77e7-bcc9-315ee465ae3f', 2, 'help@example.com', '2026-11-30 12:35:39.260819+00', '2026-11-30 12:35:39.29573+00', 'delivered', '250 ok');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (6, '01a22c73-b2e9-7f4b-8ae4-c888318377f4', 2, 'help@example.com', '2026-11-30 12:35:39.302268+00', '2026-11-30 12:35:39.306477+00', 'delivered', '250 ok');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (7, '01a22c74-1d4e-7bb2-95d6-3b6fa5ca0515', 1, 'help@example.com', '2026-11-30 12:35:39.307778+00', '2026-11-30 12:35:39.311295+00', 'failed', '550 5.1.1 No such user');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (8, '01a22c74-1df7-73dc-ab59-b39e8f3cde36', 1, 'help@example.com', '2026-11-30 12:35:39.312703+00', '2026-11-30 12:35:39.316407+00', 'delayed', '451 4.7.1 Try later');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (9, '01a22c74-1e00-794a-a2f4-805402231371', 1, 'help@example.com', '2026-11-30 12:35:39.343326+00', '2026-11-30 12:35:39.497482+00', 'unknown', 'Connection unexpectedly closed; the whole mail had been sent');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (10, '01a22c74-1e08-7c09-9f97-0596b3fbabee', 1, 'help@example.com', '2026-11-30 12:35:39.611997+00', '2026-11-30 12:35:39.718632+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (11, '01a22c74-1e12-774c-b3b5-b507c3f89841', 1, 'help@example.com', '2026-11-30 12:35:39.724948+00', '2026-11-30 12:35:39.954151+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (12, '01a22c74-1e1a-7908-9abf-1fa3687398ca', 1, 'help@example.com', '2026-11-30 12:35:39.960882+00', '2026-11-30 12:35:40.052553+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (13, '01a22c74-1e22-7e0d-8f7c-9afedd08e0ef', 1, 'help@example.com', '2026-11-30 12:35:40.056414+00', '2026-11-30 12:35:40.141183+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (14, '01a22c74-1f0f-7fa5-9d9e-b587792bfdd8', 1, 'help@example.com', '2026-11-30 12:35:40.1635+00', '2026-11-30 12:35:40.26571+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (15, '01a22c74-1fd2-7425-9b06-9d26bd405af2', 1, 'help@example.com', '2026-11-30 12:35:40.305171+00', '2026-11-30 12:35:40.432224+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (16, '01a22c74-1ff9-76ed-a2c6-e308635a7d37', 1, 'help@example.com', '2026-11-30 12:35:40.449639+00', '2026-11-30 12:35:40.595964+00', 'delivered', '250 taken');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (17, '01a22c74-34cd-788f-b867-0c9402063324', 1, 'help@example.com', '2026-11-30 12:35:51.618012+00', NULL, NULL, NULL);
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (18, '01a22c74-5976-721a-91ce-21f6ebb89a87', 1, 'help@example.com', '2026-11-30 12:35:58.514634+00', '2026-11-30 12:35:58.934931+00', 'unreachable', 'ConnectionRefusedError: [Errno 111] Connection refused');
INSERT INTO public.kapa_handoff_delivery_attempt VALUES (19, '01a22c74-7f3e-7126-bedb-e2d39100e876', 1, 'help@example.com', '2026-11-30 12:36:11.726704+00', NULL, NULL, NULL);


--
-- Data for Name: kapa_handoff_desk; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_desk VALUES ('default', true, 'help@example.com', 'Frag uns – „jetzt“', 'conversation-length,uncertainty,downvote', 2, 7);


--
-- Data for Name: kapa_handoff_refusal; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_refusal VALUES (1, 'rate_limited', 'client', '2026-11-30 12:00:00+00', 1, '2026-11-30 12:36:26.778083+00');
INSERT INTO public.kapa_handoff_refusal VALUES (2, 'offer_invalid', '', '2026-11-30 12:00:00+00', 1, '2026-11-30 12:36:26.778083+00');


--
-- Data for Name: kapa_handoff_schema_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_schema_version VALUES ('0004');


--
-- Data for Name: kapa_handoff_settings_change; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_settings_change VALUES (1, 'default', 1, '2026-11-30 12:33:44.737043+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Create ticket", "triggers": ["always"], "threshold": 3, "version": 0}', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["always"], "threshold": 3, "version": 1}');
INSERT INTO public.kapa_handoff_settings_change VALUES (2, 'default', 2, '2026-11-30 12:33:45.038826+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["always"], "threshold": 3, "version": 1}', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 2}');
INSERT INTO public.kapa_handoff_settings_change VALUES (5, 'default', 5, '2026-11-30 12:33:45.449154+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": null, "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 4}', '{"desk": "default", "enabled": false, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 5}');
INSERT INTO public.kapa_handoff_settings_change VALUES (6, 'default', 6, '2026-11-30 12:33:45.530315+00', 'anna@example.com', '{"desk": "default", "enabled": false, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 5}', '{"desk": "default", "enabled": true, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty", "downvote"], "threshold": 5, "version": 6}');
INSERT INTO public.kapa_handoff_settings_change VALUES (7, 'default', 7, '2026-11-30 12:33:45.551655+00', 'anna@example.com', '{"desk": "default", "enabled": true, "email": "help@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty", "downvote"], "threshold": 5, "version": 6}', '{"desk": "default", "enabled": true, "email": "help@example.com", "button_text": "Frag uns \u2013 \u201ejetzt\u201c", "triggers": ["conversation-length", "uncertainty", "downvote"], "threshold": 2, "version": 7}');
INSERT INTO public.kapa_handoff_settings_change VALUES (3, 'default', 3, '2026-11-30 12:33:45.251125+00', 'erased', '{"desk": "default", "enabled": true, "email": "support@example.com", "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 2}', '{"desk": "default", "enabled": true, "email": null, "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 3}');
INSERT INTO public.kapa_handoff_settings_change VALUES (4, 'default', 4, '2026-11-30 12:33:45.33614+00', 'boss@example.com', '{"desk": "default", "enabled": true, "email": null, "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 3}', '{"desk": "default", "enabled": true, "email": null, "button_text": "Ask a human", "triggers": ["conversation-length", "uncertainty"], "threshold": 5, "version": 4}');


--
-- Data for Name: kapa_handoff_ticket; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c72-6a9d-723f-ad89-c4d41b2ad32d', 'T-GGV2E4', '440a007b-807d-411c-b78f-2220d66cdac4', '584ee422f1fb30f0d87a14a1355f5bd64eaab8bc1a7324f587ca614e4b66737c', '2026-11-30 12:33:45.629918+00', 'default', 'help@example.com', 'cut-twice@example.com', 'cut-twice@example.com', NULL, 'This one is cut-twice.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 2, '2026-11-30 12:33:45.629918+00', '2026-11-30 12:36:05.881141+00', NULL, 'the process ended in the middle of the delivery, more than once', NULL, false, 'FB0AKp8-YPhSI9juebuvlA', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '9244f016800e7c442dd9deee0de08b38', 163, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c73-b226-77e7-bcc9-315ee465ae3f', 'T-KVVCF3', '7ecb7e19-59be-4ca1-a04b-77a80c2903ce', '966be60c4b35a5b590d699881f60895239912f1753ae76a1d6972b8a7a33598b', '2026-11-30 12:35:09.478171+00', 'default', 'help@example.com', 'after-refusal@example.com', 'after-refusal@example.com', NULL, 'This one is after-refusal.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 2, '2026-11-30 12:35:31.319195+00', NULL, NULL, NULL, '2026-11-30 12:35:39.29573+00', false, 'u25aQTyjOU5nAj8yVAOQDQ', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'b6989d4ff8159ba2186891839f36bb85', 167, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c73-b2e9-7f4b-8ae4-c888318377f4', 'T-N8ZFQ9', '7f4092e6-0ee5-4beb-b1ac-dbdd6071dc2f', '5fe695eb17e17e2158bae58acf6bd6418c337e1e7af87ded5f78cdba165bce92', '2026-11-30 12:35:09.673511+00', 'default', 'help@example.com', 'second-try@example.com', 'second-try@example.com', NULL, 'This one is second-try.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 2, '2026-11-30 12:35:36.178668+00', NULL, NULL, NULL, '2026-11-30 12:35:39.306477+00', false, '8IOuCslLmnh3aLnkTmx1JQ', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '2360af3ef5091c4a23afb4ca72d07029', 164, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-1d4e-7bb2-95d6-3b6fa5ca0515', 'T-6KS5Q2', 'e0b66973-9e5f-4b6c-a090-ad9df8eda825', '45a94c14ebe60fe8812ba572bc7a581571d408388f2a2c4f901e25a20d87d923', '2026-11-30 12:35:36.910142+00', 'default', 'help@example.com', 'refused@example.com', 'refused@example.com', NULL, 'This one is refused.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'failed', 1, '2026-11-30 12:35:36.910142+00', NULL, NULL, '550 5.1.1 No such user', NULL, false, 'dhJjltAXgWBOr4Kj8Cd5BA', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '77a56d2b3bc8a54c395f25891afaaa04', 161, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-1df7-73dc-ab59-b39e8f3cde36', 'T-9EEGW5', '33aba4f5-c4dd-4e05-9235-e58d40136fd8', '3f15a15cb568bbaf4b45e852e2908e5db49a7da47e09aa8180a873fc5ca0459e', '2026-11-30 12:35:37.079077+00', 'default', 'help@example.com', 'delayed@example.com', 'delayed@example.com', NULL, 'This one is delayed.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 1, '2026-11-30 12:35:37.079077+00', '2026-11-30 12:36:39.316407+00', NULL, '451 4.7.1 Try later', NULL, false, 'WeoPYIoLi71oTnFPcKiE1Q', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '5f087e6f5e4ae293bc038bfe6fb4d992', 161, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-1e00-794a-a2f4-805402231371', 'T-6TT35C', '5bc5275a-c508-4b20-8b06-df572587d13b', 'f19b7074f3fabdf8f0638c448c7030e023216a42059b0a28ca909b52aac467f2', '2026-11-30 12:35:37.088335+00', 'default', 'help@example.com', 'unknown@example.com', 'unknown@example.com', NULL, 'This one is unknown.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 1, '2026-11-30 12:35:37.088335+00', '2026-11-30 12:36:39.497482+00', NULL, 'Connection unexpectedly closed; the whole mail had been sent', NULL, false, 'A8WiUN6W4t6s0RoqE8TrRw', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'f865ae05f4922868e74d97e8767d3708', 161, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-1e08-7c09-9f97-0596b3fbabee', 'T-QSSBT2', 'c04d08c7-a923-43d6-911f-a0a462605920', 'cb8fbae4687313584d972f346e97529ebaa2d6a7fb6a2c2a0defc750e773473a', '2026-11-30 12:35:37.096291+00', 'default', 'help@example.com', 'delivered@example.com', 'delivered@example.com', NULL, 'This one is delivered.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 12:35:37.096291+00', NULL, NULL, NULL, '2026-11-30 12:35:39.718632+00', false, 'QOEN5FQpYAMJNPU7ObRuyg', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '7a8f3774957058cfeaeda6fddf9fafd7', 163, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-1e12-774c-b3b5-b507c3f89841', 'T-3EQ3FZ', 'f08dcd53-e7af-47be-b138-4e11ef34c220', 'b0fd3f3ba0079ea66efe68ac10134548f7bc6e8bdfe46437fd09475da718c8d7', '2026-11-30 12:35:37.106093+00', 'default', 'help@example.com', 'rich@example.com', 'rich@example.com', NULL, 'Zwei Zeilen:
hier „so“ – und 😀.

<script>alert(1)</script>', 'Wie geht es? 如何？ <b>bold</b>', 3, 'browser', 'conversation-length,uncertainty', 'r3', 'rich-1', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 12:35:37.106093+00', NULL, NULL, NULL, '2026-11-30 12:35:39.954151+00', false, 'otEV-FHUCt47R46GoAZ7rA', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '9c3258fcf6b0ce35af4902cb5e8a1887', 611, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-1e1a-7908-9abf-1fa3687398ca', 'T-TJ8YGN', '6cbf757f-c0c9-4007-9011-0b6fd9d77742', '886f9444e7c831ffbec72b357f4e2904adbedea78f9703110ba50c79d860c071', '2026-11-30 12:35:37.114069+00', 'default', 'help@example.com', 'thread@example.com', 'thread@example.com', NULL, 'Part 1.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', 't-1', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 12:35:37.114069+00', NULL, NULL, NULL, '2026-11-30 12:35:40.052553+00', false, 'JUAaNt5yPovjtSAH2R5LEQ', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '1d877494398988d164a58378979213ba', 148, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-1e22-7e0d-8f7c-9afedd08e0ef', 'T-CGHMDP', 'b6cced9a-739b-4917-ac23-c70eec5a29c0', '7537a4ebb44e4e681c24a112648c865c46f98a2bcedc2c23d1b92d9a9fbf4972', '2026-11-30 12:35:37.122471+00', 'default', 'help@example.com', 'thread@example.com', 'thread@example.com', NULL, 'Part 2.', 'How do I rotate a key?', 2, 'browser', 'conversation-length,uncertainty', 'a1', 't-1', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', '01a22c74-1e1a-7908-9abf-1fa3687398ca', 'delivered', 1, '2026-11-30 12:35:37.122471+00', NULL, NULL, NULL, '2026-11-30 12:35:40.141183+00', false, 'q04OCDjYiQGGV_9d15nukw', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '1d877494398988d164a58378979213ba', 273, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-1f0f-7fa5-9d9e-b587792bfdd8', 'T-JGNNH7', 'b6279bb8-b323-4ce4-a015-0200e68c23cd', '3decf71b63e0b442dd87017765111fd9be87c9e80d3f1bfe89be78dc44c90e94', '2026-11-30 12:35:37.359831+00', 'default', 'help@example.com', 'kept@example.com', 'kept@example.com', NULL, 'This one is kept.', 'Who am I?', 1, 'site', 'uncertainty', 'k1', 'kept', 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 12:35:37.359831+00', NULL, NULL, NULL, '2026-11-30 12:35:40.26571+00', false, 'gqQsdhmRPohuxcoh2AphDg', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '167eed0fdaed7baeb2ee5544427fd9b9', 146, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-1fd2-7425-9b06-9d26bd405af2', 'T-M32RBC', 'dcbf26e1-b8fc-4c28-9884-34d0913b45a3', '560c98af73ae8f96160cf9aea7ac23587acf4e1a90147e28b8732992e81bc644', '2026-11-30 12:35:37.554297+00', 'default', 'help@example.com', 'signed-in@example.com', 'signed-in@example.com', 'Vera Example', 'This one is signed-in.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 12:35:37.554297+00', NULL, NULL, NULL, '2026-11-30 12:35:40.432224+00', false, 'BeEL0Dc81ZjrQL9WEPv9OA', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '8442d8f1179657092518339a537f4bef', 163, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-1ff9-76ed-a2c6-e308635a7d37', 'T-6TG8B3', '7d5abb62-6b57-4485-afa8-2d47aa7be14d', '44d9745569eb7fdb60607705408f0b8f1b94c5ef27201761c138fff0fd47df92', '2026-11-30 12:35:37.593661+00', 'default', 'help@example.com', 'flagged@example.com', 'flagged@example.com', NULL, 'This one is flagged.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'delivered', 1, '2026-11-30 12:35:37.593661+00', NULL, NULL, NULL, '2026-11-30 12:35:40.595964+00', false, 'RiJz1RP8--lrIkau7Ne00g', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'bcb43c3ecd2756e5369eca7c0c8f181a', 161, 'The captcha was not sure.', '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-34cd-788f-b867-0c9402063324', 'T-ASYCRN', '731297db-2594-4b6a-9a7a-09a05bb1efa3', 'f761345e6119e3d32a99b6729d389ed4e7b2f869c3c285d40ad4097d4fc15da8', '2026-11-30 12:35:42.925938+00', 'default', 'help@example.com', 'sending@example.com', 'sending@example.com', NULL, 'This one is sending.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'sending', 1, '2026-11-30 12:35:42.925938+00', '2026-11-30 12:35:42.925938+00', '2026-11-30 12:46:21.618012+00', NULL, NULL, false, 'bm8h6Ku3cXeE5TeA8aHBrQ', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'f55aa85df245dd3ca771db9d3dd29529', 161, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-a8b6-7970-bcf6-512414401aa4', 'T-NEWXTF', 'cf177724-6558-4378-9116-5eb6eaea7bf6', 'e0296e3d10a5fde653bbaf0dfda8919b3fc7de68333fe38366755f5a9b3dd2d6', '2026-11-30 12:36:12.598414+00', 'default', 'help@example.com', 'queued@example.com', 'queued@example.com', NULL, 'This one is queued.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 0, '2026-11-30 12:36:12.598414+00', '2026-11-30 12:36:12.598414+00', NULL, NULL, NULL, false, 'VmVHsY4NwyqivzEyQt50jA', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '7fc951850bb791f64949287ee8d6da06', 222, NULL, '{"order":"4711 – „A“","steps":"First this.\nThen that.","urgent":"yes"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-5976-721a-91ce-21f6ebb89a87', 'T-XX4R2R', '87c373c1-1575-4bef-a1cb-6ba39bfd0417', '0eaa566de5679ae399ebae69b2962d71cdb477953a7c59f8725c5d5525efe64b', '2026-11-30 12:35:52.310044+00', 'default', 'help@example.com', 'unreachable@example.com', 'unreachable@example.com', NULL, 'This one is unreachable.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'queued', 1, '2026-11-30 12:35:52.310044+00', '2026-11-30 12:36:58.934931+00', NULL, 'ConnectionRefusedError: [Errno 111] Connection refused', NULL, false, '-Up-q_604RPquS0VCawz0Q', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'b84ae87f2db5b159a3edb467d52c623e', 165, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-7f3e-7126-bedb-e2d39100e876', 'T-BASGAT', '91e67d05-d76c-47b2-a45b-ae854649eaf2', 'f8ec84538bd7a385663c45a94f81d88f01ec95680ca05835d60531bf22c3ae42', '2026-11-30 12:36:01.982274+00', 'default', 'help@example.com', 'cut@example.com', 'cut@example.com', NULL, 'This one is cut.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'sending', 1, '2026-11-30 12:36:01.982274+00', '2026-11-30 12:36:01.982274+00', '2026-11-30 12:36:42.726704+00', NULL, NULL, false, '4FohdxqhPe-_NGHBJF-NiQ', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, '79082189df2dab178af1dc32f6de5323', 157, NULL, '{"urgent":"no"}');
INSERT INTO public.kapa_handoff_ticket VALUES ('01a22c74-d896-7201-8442-ab1addf95c7d', 'T-FNFXSV', '16df7952-4ae0-4ba0-8389-12bc398de47c', '7e8138b3e4505d19572ee83459b139ff3e345bc31d0855c6bc14fb3cca8e4b84', '2026-11-30 12:36:24.854446+00', 'default', 'help@example.com', 'held@example.com', 'held@example.com', NULL, 'This one is held.', 'How do I rotate a key?', 1, 'browser', 'uncertainty', 'a1', NULL, 'https://docs.example.com/keys', 'de-AT', '853e2e932f424f074ded0b61aa35a032', NULL, 'held', 0, '2026-11-30 12:36:24.854446+00', '2026-11-30 13:36:24.854446+00', NULL, NULL, NULL, false, 'rIKxzgCp-9MFGZobRardKg', 'd1f24223eb8a24f2364eaaa9aefe5eca', NULL, 'c707e32ec602cea20ed840c9e13cbeeb', 158, NULL, '{"urgent":"no"}');


--
-- Data for Name: kapa_handoff_transcript; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c72-6a9d-723f-ad89-c4d41b2ad32d', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c73-b226-77e7-bcc9-315ee465ae3f', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c73-b2e9-7f4b-8ae4-c888318377f4', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-1d4e-7bb2-95d6-3b6fa5ca0515', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-1df7-73dc-ab59-b39e8f3cde36', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-1e00-794a-a2f4-805402231371', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-1e08-7c09-9f97-0596b3fbabee', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-1e12-774c-b3b5-b507c3f89841', '[{"id":"r1","question":"Wie geht es? 如何？ <b>bold</b>","answer":"Press **Save**, see [the page](https://docs.example.com/save).\n\n```sh\nsave --all\n```","sources":[{"title":"Saving","url":"https://docs.example.com/save"},{"title":"No address","url":""}],"uncertain":true,"reaction":"downvote"},{"id":"r2","question":"And then?","answer":"Nothing more.","sources":[],"uncertain":false,"reaction":"upvote"},{"id":"r3","question":"My card is [hidden: card number]","answer":"","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-1e1a-7908-9abf-1fa3687398ca', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-1e22-7e0d-8f7c-9afedd08e0ef', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null},{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-1f0f-7fa5-9d9e-b587792bfdd8', '[{"id":"k1","question":"Who am I?","answer":"You are *signed in*.","sources":[],"uncertain":true,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-1fd2-7425-9b06-9d26bd405af2', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-1ff9-76ed-a2c6-e308635a7d37', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-34cd-788f-b867-0c9402063324', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-5976-721a-91ce-21f6ebb89a87', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-7f3e-7126-bedb-e2d39100e876', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-a8b6-7970-bcf6-512414401aa4', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');
INSERT INTO public.kapa_handoff_transcript VALUES ('01a22c74-d896-7201-8442-ab1addf95c7d', '[{"id":"a1","question":"How do I rotate a key?","answer":"Run `keys rotate`.","sources":[],"uncertain":false,"reaction":null}]');


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


