BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE k24_alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT k24_alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "k24_alembic_version" VALUES('0004');
CREATE TABLE k24_curves (
	run_id INTEGER NOT NULL, 
	env_steps INTEGER NOT NULL, 
	win_rate DOUBLE NOT NULL, 
	return_mean DOUBLE NOT NULL, 
	episodes INTEGER NOT NULL, 
	loss DOUBLE, 
	epsilon DOUBLE NOT NULL, 
	wall_seconds DOUBLE NOT NULL, 
	extra JSON NOT NULL, 
	CONSTRAINT pk_k24_curves PRIMARY KEY (run_id, env_steps), 
	CONSTRAINT fk_k24_curves_run_id FOREIGN KEY(run_id) REFERENCES k24_runs (id) ON DELETE CASCADE
);
INSERT INTO "k24_curves" VALUES(1,1000,0.125,2.5,32,0.1,0.5,2.5,'{}');
INSERT INTO "k24_curves" VALUES(1,2000,0.5,10.0,32,0.1,0.5,5.0,'{}');
INSERT INTO "k24_curves" VALUES(1,3000,0.71875,14.375,32,0.1,0.5,7.5,'{}');
INSERT INTO "k24_curves" VALUES(2,1000,0.25,5.0,32,0.1,0.5,2.5,'{}');
INSERT INTO "k24_curves" VALUES(3,1000,0.25,5.0,32,0.1,0.5,2.5,'{}');
CREATE TABLE k24_events (
	run_id INTEGER NOT NULL, 
	env_steps INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_k24_events PRIMARY KEY (run_id, env_steps, text), 
	CONSTRAINT fk_k24_events_run_id FOREIGN KEY(run_id) REFERENCES k24_runs (id) ON DELETE CASCADE
);
INSERT INTO "k24_events" VALUES(1,2400,'masks frozen, learning rate 0.0009');
CREATE TABLE k24_machines (
	host VARCHAR NOT NULL, 
	owner_host VARCHAR, 
	owner_pid INTEGER, 
	owner_started VARCHAR, 
	heartbeat DOUBLE NOT NULL, 
	CONSTRAINT pk_k24_machines PRIMARY KEY (host)
);
CREATE TABLE k24_outcomes (
	run_id INTEGER NOT NULL, 
	slot INTEGER NOT NULL, 
	battle_id INTEGER NOT NULL, 
	won BOOLEAN NOT NULL, 
	lost BOOLEAN NOT NULL, 
	truncated BOOLEAN NOT NULL, 
	aborted BOOLEAN NOT NULL, 
	episode_return DOUBLE NOT NULL, 
	length INTEGER NOT NULL, 
	CONSTRAINT pk_k24_outcomes PRIMARY KEY (run_id, slot, battle_id), 
	CONSTRAINT fk_k24_outcomes_run_id FOREIGN KEY(run_id) REFERENCES k24_runs (id) ON DELETE CASCADE
);
INSERT INTO "k24_outcomes" VALUES(1,0,3,1,0,0,0,18.0,41);
INSERT INTO "k24_outcomes" VALUES(1,1,2,0,0,1,0,6.5,200);
CREATE TABLE k24_provenance (
	run_id INTEGER NOT NULL, 
	session INTEGER NOT NULL, 
	started DOUBLE NOT NULL, 
	record JSON NOT NULL, 
	CONSTRAINT pk_k24_provenance PRIMARY KEY (run_id, session), 
	CONSTRAINT fk_k24_provenance_run_id FOREIGN KEY(run_id) REFERENCES k24_runs (id) ON DELETE CASCADE
);
INSERT INTO "k24_provenance" VALUES(1,0,1.79594500943819785111e+09,'{"commit": "abc", "command": "python -m harness.compare --algos k24", "device": "cpu"}');
INSERT INTO "k24_provenance" VALUES(2,0,1.7959450097405443192e+09,'{"commit": "abc", "command": "python -m harness.compare --algos k24", "device": "cpu"}');
INSERT INTO "k24_provenance" VALUES(3,0,1.79594500979766964919e+09,'{"commit": "abc", "command": "python -m harness.compare --algos k24", "device": "cpu"}');
CREATE TABLE k24_results (
	run_id INTEGER NOT NULL, 
	win_rate DOUBLE NOT NULL, 
	win_low DOUBLE NOT NULL, 
	win_high DOUBLE NOT NULL, 
	interval_kind VARCHAR NOT NULL, 
	return_mean DOUBLE NOT NULL, 
	sparsity_masked DOUBLE NOT NULL, 
	sparsity_model DOUBLE NOT NULL, 
	throughput DOUBLE NOT NULL, 
	throughput_batch INTEGER NOT NULL, 
	throughput_dtype VARCHAR NOT NULL, 
	speedup_24 DOUBLE, 
	speedup_24_reason VARCHAR NOT NULL, 
	env_steps INTEGER NOT NULL, 
	env_steps_per_second DOUBLE NOT NULL, 
	wall_seconds DOUBLE NOT NULL, 
	device VARCHAR NOT NULL, 
	episodes INTEGER NOT NULL, 
	wins INTEGER NOT NULL, 
	aborted INTEGER NOT NULL, 
	details JSON NOT NULL, 
	CONSTRAINT pk_k24_results PRIMARY KEY (run_id), 
	CONSTRAINT fk_k24_results_run_id FOREIGN KEY(run_id) REFERENCES k24_runs (id) ON DELETE CASCADE
);
INSERT INTO "k24_results" VALUES(1,0.75,0.58,0.87,'95% Wilson over battles',14.5,0.5,0.31,120000.0,640,'float32',1.25,'',3000,410.0,7.3,'cpu',32,24,0,'{"per_layer": {"fc1": [0.5, 0.5]}}');
CREATE TABLE k24_runs (
	id INTEGER NOT NULL, 
	study VARCHAR NOT NULL, 
	algorithm VARCHAR NOT NULL, 
	scenario VARCHAR NOT NULL, 
	seed INTEGER NOT NULL, 
	config_hash VARCHAR NOT NULL, 
	config JSON NOT NULL, 
	state VARCHAR NOT NULL, 
	job JSON, 
	error TEXT, 
	trial_number INTEGER, 
	created DOUBLE NOT NULL, 
	finished DOUBLE, 
	owner_host VARCHAR, 
	owner_pid INTEGER, 
	owner_started VARCHAR, 
	heartbeat DOUBLE NOT NULL, 
	CONSTRAINT pk_k24_runs PRIMARY KEY (id), 
	CONSTRAINT uq_k24_runs_key UNIQUE (study, algorithm, scenario, seed, config_hash)
);
INSERT INTO "k24_runs" VALUES(1,'compare','k24','terran_5_vs_5',1,'0123456789ab','{"algorithm": {"div_coef": 0.1, "temperature_init": 5.0}, "env_steps": 3000}','finished',NULL,NULL,0,1.79594500943035125734e+09,1.79594500963252115249e+09,NULL,NULL,NULL,1.79594500962367486954e+09);
INSERT INTO "k24_runs" VALUES(2,'compare','k24','terran_5_vs_5',2,'0123456789ab','{"algorithm": {"div_coef": 0.1, "temperature_init": 5.0}, "env_steps": 3000}','failed',NULL,'loss is NaN at 1200 env_steps',1,1.79594500973903393745e+09,NULL,NULL,NULL,NULL,1.79594500979233264925e+09);
INSERT INTO "k24_runs" VALUES(3,'compare','k24','terran_5_vs_5',3,'0123456789ab','{"algorithm": {"div_coef": 0.1, "temperature_init": 5.0}, "env_steps": 3000}','interrupted',NULL,NULL,2,1.79594500979646682736e+09,NULL,NULL,NULL,NULL,1.79594500983123636249e+09);
CREATE TABLE k24_schema (
	id INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	CONSTRAINT pk_k24_schema PRIMARY KEY (id)
);
INSERT INTO "k24_schema" VALUES(1,2);
CREATE TABLE k24_searches (
	study VARCHAR NOT NULL, 
	request JSON NOT NULL, 
	trials INTEGER NOT NULL, 
	created DOUBLE NOT NULL, 
	CONSTRAINT pk_k24_searches PRIMARY KEY (study)
);
CREATE TABLE k24_throughput (
	run_id INTEGER NOT NULL, 
	session VARCHAR NOT NULL, 
	measured DOUBLE NOT NULL, 
	decisions_per_second DOUBLE NOT NULL, 
	low DOUBLE NOT NULL, 
	high DOUBLE NOT NULL, 
	rounds INTEGER NOT NULL, 
	batch INTEGER NOT NULL, 
	dtype VARCHAR NOT NULL, 
	device VARCHAR NOT NULL, 
	machine TEXT NOT NULL, 
	load DOUBLE NOT NULL, 
	quiet BOOLEAN NOT NULL, 
	CONSTRAINT pk_k24_throughput PRIMARY KEY (run_id), 
	CONSTRAINT fk_k24_throughput_run_id FOREIGN KEY(run_id) REFERENCES k24_runs (id) ON DELETE CASCADE
);
CREATE TABLE k24_timings (
	run_id INTEGER NOT NULL, 
	part VARCHAR NOT NULL, 
	seconds DOUBLE NOT NULL, 
	CONSTRAINT pk_k24_timings PRIMARY KEY (run_id, part), 
	CONSTRAINT fk_k24_timings_run_id FOREIGN KEY(run_id) REFERENCES k24_runs (id) ON DELETE CASCADE
);
INSERT INTO "k24_timings" VALUES(1,'rollout',3.5);
INSERT INTO "k24_timings" VALUES(1,'update',2.75);
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'compare');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
INSERT INTO "study_directions" VALUES(2,'MAXIMIZE',1,1);
INSERT INTO "study_directions" VALUES(3,'MAXIMIZE',1,2);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'study:metric_names','["win rate", "sparsity", "FLOPs saved"]');
INSERT INTO "study_system_attributes" VALUES(2,1,'dashboard:1:note_ver','1');
INSERT INTO "study_system_attributes" VALUES(3,1,'dashboard:1:note_str:0','"### k24 on terran_5_vs_5, seed 1\n\n| | |\n|---|---|\n| win rate | 0.750 [0.580, 0.870], 95% Wilson over battles |\n| battles | 24 won of 32 finished, 0 aborted |\n| return | 14.50 |\n| sparsity | 50.0% of the prunable layers, 31.0% of the whole model |\n| 2:4 speed-up | 1.25 \u00d7 |\n| training | 3,000 env steps at 410/s, 7 s |\n| made by | commit abc |\n\nWhat happened in training:\n\n- at 2,400 env steps: masks frozen, learning rate 0.0009\n\n```\npython -m harness.compare --algos k24\n```\n"');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'algorithm',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["k24"]}}');
INSERT INTO "trial_params" VALUES(2,1,'scenario',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["terran_5_vs_5"]}}');
INSERT INTO "trial_params" VALUES(3,1,'seed',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 2147483647}}');
INSERT INTO "trial_params" VALUES(4,2,'algorithm',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["k24"]}}');
INSERT INTO "trial_params" VALUES(5,2,'scenario',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["terran_5_vs_5"]}}');
INSERT INTO "trial_params" VALUES(6,2,'seed',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 2147483647}}');
INSERT INTO "trial_params" VALUES(7,3,'algorithm',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["k24"]}}');
INSERT INTO "trial_params" VALUES(8,3,'scenario',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["terran_5_vs_5"]}}');
INSERT INTO "trial_params" VALUES(9,3,'seed',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 2147483647}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'run_id','1');
INSERT INTO "trial_user_attributes" VALUES(2,1,'algorithm','"k24"');
INSERT INTO "trial_user_attributes" VALUES(3,1,'scenario','"terran_5_vs_5"');
INSERT INTO "trial_user_attributes" VALUES(4,1,'seed','1');
INSERT INTO "trial_user_attributes" VALUES(5,1,'config_hash','"0123456789ab"');
INSERT INTO "trial_user_attributes" VALUES(6,1,'commit','"abc"');
INSERT INTO "trial_user_attributes" VALUES(7,1,'win rate interval','"[0.580, 0.870] 95% Wilson over battles"');
INSERT INTO "trial_user_attributes" VALUES(8,1,'return mean','14.5');
INSERT INTO "trial_user_attributes" VALUES(9,1,'sparsity of the whole model','0.31');
INSERT INTO "trial_user_attributes" VALUES(10,1,'2:4 speed-up','1.25');
INSERT INTO "trial_user_attributes" VALUES(11,1,'2:4 speed-up reason','""');
INSERT INTO "trial_user_attributes" VALUES(12,1,'env steps','3000');
INSERT INTO "trial_user_attributes" VALUES(13,1,'env steps per second','410.0');
INSERT INTO "trial_user_attributes" VALUES(14,1,'wall seconds','7.3');
INSERT INTO "trial_user_attributes" VALUES(15,2,'run_id','2');
INSERT INTO "trial_user_attributes" VALUES(16,2,'algorithm','"k24"');
INSERT INTO "trial_user_attributes" VALUES(17,2,'scenario','"terran_5_vs_5"');
INSERT INTO "trial_user_attributes" VALUES(18,2,'seed','2');
INSERT INTO "trial_user_attributes" VALUES(19,2,'config_hash','"0123456789ab"');
INSERT INTO "trial_user_attributes" VALUES(20,2,'commit','"abc"');
INSERT INTO "trial_user_attributes" VALUES(21,2,'ended','"loss is NaN at 1200 env_steps"');
INSERT INTO "trial_user_attributes" VALUES(22,3,'run_id','3');
INSERT INTO "trial_user_attributes" VALUES(23,3,'algorithm','"k24"');
INSERT INTO "trial_user_attributes" VALUES(24,3,'scenario','"terran_5_vs_5"');
INSERT INTO "trial_user_attributes" VALUES(25,3,'seed','3');
INSERT INTO "trial_user_attributes" VALUES(26,3,'config_hash','"0123456789ab"');
INSERT INTO "trial_user_attributes" VALUES(27,3,'commit','"abc"');
INSERT INTO "trial_user_attributes" VALUES(28,3,'ended','"interrupted: the same command resumes the run"');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,0.75,'FINITE');
INSERT INTO "trial_values" VALUES(2,1,1,0.5,'FINITE');
INSERT INTO "trial_values" VALUES(3,1,2,0.0,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-29 09:36:49.466005','2026-11-29 09:36:49.711988');
INSERT INTO "trials" VALUES(2,1,1,'FAIL','2026-11-29 09:36:49.747449','2026-11-29 09:36:49.791052');
INSERT INTO "trials" VALUES(3,2,1,'FAIL','2026-11-29 09:36:49.801811','2026-11-29 09:36:49.830046');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
