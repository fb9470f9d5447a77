BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'smoke');
INSERT INTO "studies" VALUES(2,'mini.1.net');
INSERT INTO "studies" VALUES(3,'mini.2.pace');
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
INSERT INTO "study_directions" VALUES(2,'MAXIMIZE',2,0);
INSERT INTO "study_directions" VALUES(3,'MAXIMIZE',3,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,1,'drilldown:fingerprint','{"goal.accuracy": "90.0", "goal.last": "1", "goal.epochs": "2", "goal.params": "4000", "seed": "1", "space": "open", "budget": "4000", "epochs": "2", "data": "3000+1000", "fix.averaging": "''ema''", "fix.layout": "''squeeze''", "fix.schedule": "''linear''", "activation": "choices=[''relu'', ''silu'']", "augmentation": "step=None low=0.0 high=2.0 log=False", "average_over": "step=None low=50.0 high=2000.0 log=True", "dropout": "step=None low=0.0 high=0.1 log=False", "label_smoothing": "step=None low=0.0 high=0.1 log=False", "lr": "step=None low=0.02 high=1.0 log=True", "warmup": "step=None low=0.05 high=0.4 log=False", "weight_decay": "step=None low=1e-05 high=0.002 log=True", "width_1": "step=None low=0.0 high=1.0 log=False", "width_2": "step=None low=0.0 high=1.0 log=False", "width_3": "step=None low=0.0 high=1.0 log=False", "width_4": "step=None low=0.0 high=1.0 log=False", "width_5": "step=None low=0.0 high=1.0 log=False", "width_6": "step=None low=0.0 high=1.0 log=False", "width_7": "step=None low=0.0 high=1.0 log=False"}');
INSERT INTO "study_system_attributes" VALUES(2,1,'study:metric_names','["score (%)"]');
INSERT INTO "study_system_attributes" VALUES(3,1,'dashboard:note_ver','4');
INSERT INTO "study_system_attributes" VALUES(4,1,'dashboard:note_str:0','"**Goal:** 90.00 % in every one of the last 1 of 2 epochs, fewer than 4,000 parameters.\n\n**Trials:** 4 ended (4 trained to the end). **None of them holds the goal.**\n\n## Best trial: number 3, which does not hold the goal\n\n| | |\n|---|---|\n| score | **86.300 %** |\n| accuracy in the last 1 epochs | 86.30 % |\n| worst of these | **86.30 %** |\n| mean of these | 86.300 % |\n| parameters | 3,947 |\n\nTrain it again with:\n\n```sh\ndrilldown train runs/smoke/best.toml --check\n```\n\n*drilldown rewrites this note; anything added here is lost.*"');
INSERT INTO "study_system_attributes" VALUES(5,1,'dashboard:plot_data:best-trials:0','"{\"data\": [{\"name\": \"trial 3: 86.300\", \"x0\": 1, \"dx\": 1, \"y\": [31.0, 86.3], \"mode\": \"lines+markers\"}, {\"name\": \"trial 0: 80.200\", \"x0\": 1, \"dx\": 1, \"y\": [22.5, 80.2], \"mode\": \"lines+markers\"}, {\"name\": \"trial 1: 69.500\", \"x0\": 1, \"dx\": 1, \"y\": [39.2, 69.5], \"mode\": \"lines+markers\"}, {\"name\": \"trial 2: 47.800\", \"x0\": 1, \"dx\": 1, \"y\": [28.4, 47.8], \"mode\": \"lines+markers\"}], \"layout\": {\"title\": {\"text\": \"Best trials, and the goal of 90.00 % in the last 1 epochs\", \"font\": {\"size\": 15}, \"x\": 0.02, \"xanchor\": \"left\"}, \"margin\": {\"l\": 60, \"r\": 10, \"t\": 60, \"b\": 50}, \"xaxis\": {\"title\": {\"text\": \"epoch\"}, \"range\": [0.5, 2.5], \"gridcolor\": \"rgba(128,128,128,0.25)\", \"zeroline\": false}, \"yaxis\": {\"title\": {\"text\": \"test accuracy (%)\"}, \"range\": [47.75, 100], \"gridcolor\": \"rgba(128,128,128,0.25)\", \"zeroline\": false}, \"shapes\": [{\"type\": \"rect\", \"x0\": 1.5, \"x1\": 2.5, \"y0\": 47.75, \"y1\": 100, \"fillcolor\": \"gray\", \"opacity\": 0.12, \"line\": {\"width\": 0}}, {\"type\": \"line\", \"xref\": \"paper\", \"x0\": 0, \"x1\": 1, \"y0\": 90.0, \"y1\": 90.0, \"line\": {\"dash\": \"dash\", \"color\": \"crimson\"}}], \"font\": {\"color\": \"gray\"}, \"paper_bgcolor\": \"rgba(0,0,0,0)\", \"plot_bgcolor\": \"rgba(0,0,0,0)\"}}"');
INSERT INTO "study_system_attributes" VALUES(6,2,'drilldown:fingerprint','{"goal.accuracy": "80.0", "goal.last": "2", "goal.epochs": "3", "goal.params": "4000", "seed": "3796490668", "space": "a stage", "budget": "4000", "epochs": "3", "data": "1000+500", "bases": "d62bffe517c842ae", "fix.averaging": "''none''", "fix.schedule": "''linear''", "layout": "choices=[''squeeze'', ''two-squeezes'', ''two-pools'']", "width_1": "step=None low=0.0 high=1.0 log=False", "width_2": "step=None low=0.0 high=1.0 log=False", "width_3": "step=None low=0.0 high=1.0 log=False", "width_4": "step=None low=0.0 high=1.0 log=False", "width_5": "step=None low=0.0 high=1.0 log=False", "width_6": "step=None low=0.0 high=1.0 log=False", "width_7": "step=None low=0.0 high=1.0 log=False"}');
INSERT INTO "study_system_attributes" VALUES(7,2,'study:metric_names','["score (%)"]');
INSERT INTO "study_system_attributes" VALUES(8,2,'dashboard:note_ver','4');
INSERT INTO "study_system_attributes" VALUES(9,2,'dashboard:note_str:0','"**Goal:** 80.00 % in every one of the last 2 of 3 epochs, fewer than 4,000 parameters.\n\n**Trials:** 4 ended (4 trained to the end). **None of them holds the goal.**\n\n## Best trial: number 3, which does not hold the goal\n\n| | |\n|---|---|\n| score | **51.000 %** |\n| accuracy in the last 2 epochs | 51.00 \u00b7 57.60 % |\n| worst of these | **51.00 %** |\n| mean of these | 54.300 % |\n| parameters | 3,962 |\n\nTrain it again with:\n\n```sh\ndrilldown train runs/mini.1.net/best.toml --check\n```\n\n*drilldown rewrites this note; anything added here is lost.*"');
INSERT INTO "study_system_attributes" VALUES(10,2,'dashboard:plot_data:best-trials:0','"{\"data\": [{\"name\": \"trial 3: 51.000\", \"x0\": 1, \"dx\": 1, \"y\": [13.4, 51.0, 57.6], \"mode\": \"lines+markers\"}, {\"name\": \"trial 1: 42.600\", \"x0\": 1, \"dx\": 1, \"y\": [9.8, 42.6, 75.4], \"mode\": \"lines+markers\"}, {\"name\": \"trial 0: 30.400\", \"x0\": 1, \"dx\": 1, \"y\": [14.2, 30.4, 33.2], \"mode\": \"lines+markers\"}, {\"name\": \"trial 2: 26.800\", \"x0\": 1, \"dx\": 1, \"y\": [22.6, 26.8, 48.2], \"mode\": \"lines+markers\"}], \"layout\": {\"title\": {\"text\": \"Best trials, and the goal of 80.00 % in the last 2 epochs\", \"font\": {\"size\": 15}, \"x\": 0.02, \"xanchor\": \"left\"}, \"margin\": {\"l\": 60, \"r\": 10, \"t\": 60, \"b\": 50}, \"xaxis\": {\"title\": {\"text\": \"epoch\"}, \"range\": [0.5, 3.5], \"gridcolor\": \"rgba(128,128,128,0.25)\", \"zeroline\": false}, \"yaxis\": {\"title\": {\"text\": \"test accuracy (%)\"}, \"range\": [26.75, 100], \"gridcolor\": \"rgba(128,128,128,0.25)\", \"zeroline\": false}, \"shapes\": [{\"type\": \"rect\", \"x0\": 1.5, \"x1\": 3.5, \"y0\": 26.75, \"y1\": 100, \"fillcolor\": \"gray\", \"opacity\": 0.12, \"line\": {\"width\": 0}}, {\"type\": \"line\", \"xref\": \"paper\", \"x0\": 0, \"x1\": 1, \"y0\": 80.0, \"y1\": 80.0, \"line\": {\"dash\": \"dash\", \"color\": \"crimson\"}}], \"font\": {\"color\": \"gray\"}, \"paper_bgcolor\": \"rgba(0,0,0,0)\", \"plot_bgcolor\": \"rgba(0,0,0,0)\"}}"');
INSERT INTO "study_system_attributes" VALUES(11,2,'drilldown:winners','{"stage": {"name": "net", "trials": 4, "keep": 2, "timeout": null, "vary": {"widths": "all", "layout": "all"}, "fix": {}, "sampler": {"kind": "random"}, "pruner": {"kind": "goal"}}, "winners": ["net/3", "net/1"]}');
INSERT INTO "study_system_attributes" VALUES(12,3,'drilldown:fingerprint','{"goal.accuracy": "80.0", "goal.last": "2", "goal.epochs": "3", "goal.params": "4000", "seed": "3226123765", "space": "a stage", "budget": "4000", "epochs": "3", "data": "1000+500", "bases": "783b025cc8f56225", "averaging": "choices=[''none'', ''ema'']", "base": "choices=[''net/3'', ''net/1'']", "lr": "step=None low=0.05 high=0.5 log=True", "schedule": "choices=[''linear'', ''step'']"}');
INSERT INTO "study_system_attributes" VALUES(13,3,'study:metric_names','["score (%)"]');
INSERT INTO "study_system_attributes" VALUES(14,3,'dashboard:note_ver','4');
INSERT INTO "study_system_attributes" VALUES(15,3,'dashboard:note_str:0','"**Goal:** 80.00 % in every one of the last 2 of 3 epochs, fewer than 4,000 parameters.\n\n**Trials:** 5 ended (5 trained to the end). **None of them holds the goal.**\n\n## Best trial: number 3, which does not hold the goal\n\n| | |\n|---|---|\n| score | **56.400 %** |\n| accuracy in the last 2 epochs | 56.40 \u00b7 68.40 % |\n| worst of these | **56.40 %** |\n| mean of these | 62.400 % |\n| parameters | 3,952 |\n\nTrain it again with:\n\n```sh\ndrilldown train runs/mini.2.pace/best.toml --check\n```\n\n*drilldown rewrites this note; anything added here is lost.*"');
INSERT INTO "study_system_attributes" VALUES(16,3,'dashboard:plot_data:best-trials:0','"{\"data\": [{\"name\": \"trial 3: 56.400\", \"x0\": 1, \"dx\": 1, \"y\": [44.0, 56.4, 68.4], \"mode\": \"lines+markers\"}, {\"name\": \"trial 1: 40.600\", \"x0\": 1, \"dx\": 1, \"y\": [16.8, 40.6, 52.0], \"mode\": \"lines+markers\"}, {\"name\": \"trial 0: 36.800\", \"x0\": 1, \"dx\": 1, \"y\": [18.4, 36.8, 64.4], \"mode\": \"lines+markers\"}, {\"name\": \"trial 4: 36.800\", \"x0\": 1, \"dx\": 1, \"y\": [15.4, 36.8, 55.4], \"mode\": \"lines+markers\"}, {\"name\": \"trial 2: 35.800\", \"x0\": 1, \"dx\": 1, \"y\": [9.2, 35.8, 56.0], \"mode\": \"lines+markers\"}], \"layout\": {\"title\": {\"text\": \"Best trials, and the goal of 80.00 % in the last 2 epochs\", \"font\": {\"size\": 15}, \"x\": 0.02, \"xanchor\": \"left\"}, \"margin\": {\"l\": 60, \"r\": 10, \"t\": 60, \"b\": 50}, \"xaxis\": {\"title\": {\"text\": \"epoch\"}, \"range\": [0.5, 3.5], \"gridcolor\": \"rgba(128,128,128,0.25)\", \"zeroline\": false}, \"yaxis\": {\"title\": {\"text\": \"test accuracy (%)\"}, \"range\": [35.75, 100], \"gridcolor\": \"rgba(128,128,128,0.25)\", \"zeroline\": false}, \"shapes\": [{\"type\": \"rect\", \"x0\": 1.5, \"x1\": 3.5, \"y0\": 35.75, \"y1\": 100, \"fillcolor\": \"gray\", \"opacity\": 0.12, \"line\": {\"width\": 0}}, {\"type\": \"line\", \"xref\": \"paper\", \"x0\": 0, \"x1\": 1, \"y0\": 80.0, \"y1\": 80.0, \"line\": {\"dash\": \"dash\", \"color\": \"crimson\"}}], \"font\": {\"color\": \"gray\"}, \"paper_bgcolor\": \"rgba(0,0,0,0)\", \"plot_bgcolor\": \"rgba(0,0,0,0)\"}}"');
INSERT INTO "study_system_attributes" VALUES(17,3,'drilldown:winners','{"stage": {"name": "pace", "trials": 5, "keep": 2, "timeout": null, "vary": {"lr": [0.05, 0.5], "schedule": ["linear", "step"], "averaging": "all"}, "fix": {}, "sampler": {"kind": "tpe"}, "pruner": {"kind": "goal"}}, "winners": ["pace/3", "net/3"]}');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'owner','"process 21464 on a machine"');
INSERT INTO "study_user_attributes" VALUES(2,1,'goal','{"accuracy": 90.0, "last": 1, "epochs": 2, "params": 4000}');
INSERT INTO "study_user_attributes" VALUES(3,2,'owner','"process 21472 on a machine"');
INSERT INTO "study_user_attributes" VALUES(4,2,'goal','{"accuracy": 80.0, "last": 2, "epochs": 3, "params": 4000}');
INSERT INTO "study_user_attributes" VALUES(5,3,'owner','"process 21472 on a machine"');
INSERT INTO "study_user_attributes" VALUES(6,3,'goal','{"accuracy": 80.0, "last": 2, "epochs": 3, "params": 4000}');
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
INSERT INTO "trial_intermediate_values" VALUES(1,1,1,22.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,2,1,39.2,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,2,80.2,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,2,2,69.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,3,1,28.4,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,3,2,47.8,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(7,4,1,31.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(8,4,2,86.3,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(9,6,1,9.8,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(10,5,1,14.2,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(11,6,2,42.6,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(12,5,2,30.4,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(13,6,3,75.4,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(14,5,3,33.2,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(15,7,1,22.6,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(16,7,2,26.8,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(17,8,1,13.4,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(18,7,3,48.2,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(19,8,2,51.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(20,8,3,57.6,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(21,10,1,16.8,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(22,10,2,40.6,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(23,10,3,52.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(24,11,1,9.2,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(25,11,2,35.8,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(26,11,3,56.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(27,9,1,18.4,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(28,12,1,44.0,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(29,9,2,36.8,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(30,12,2,56.4,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(31,9,3,64.4,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(32,12,3,68.4,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(33,13,1,15.4,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(34,13,2,36.8,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(35,13,3,55.4,'FINITE');
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
INSERT INTO "trial_params" VALUES(1,1,'width_1',3.07921610337298701232e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(2,1,'width_2',5.18778923868373764705e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(3,1,'width_3',9.85386667479886124709e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(4,1,'width_4',3.21894313094590378554e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(5,1,'width_5',2.30272114824353946183e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(6,1,'width_6',7.96300655948505853309e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(7,1,'width_7',3.09935268327929502873e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(8,1,'activation',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", "silu"]}}');
INSERT INTO "trial_params" VALUES(9,1,'lr',1.63321288605264430815e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.02, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(10,1,'warmup',3.85724366226718407002e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.05, "high": 0.4, "log": false}}');
INSERT INTO "trial_params" VALUES(11,1,'dropout',1.26076681348568867685e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.1, "log": false}}');
INSERT INTO "trial_params" VALUES(12,1,'weight_decay',5.73827386733430063261e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.002, "log": true}}');
INSERT INTO "trial_params" VALUES(13,1,'label_smoothing',2.86929033569759198152e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.1, "log": false}}');
INSERT INTO "trial_params" VALUES(14,1,'augmentation',0.511356460352826,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(15,1,'average_over',3.29210720737606493463e+02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 50.0, "high": 2000.0, "log": true}}');
INSERT INTO "trial_params" VALUES(16,2,'width_1',6.41644333893364615661e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(17,2,'width_2',6.39678250681806170874e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(18,2,'width_3',8.16897652032148258172e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(19,2,'width_4',3.97233438380910852671e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(20,2,'width_5',1.80509987061051146994e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(21,2,'width_6',1.4959861211856972929e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(22,2,'width_7',9.93077494914957337179e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(23,2,'activation',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", "silu"]}}');
INSERT INTO "trial_params" VALUES(24,2,'lr',6.3165171477063519756e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.02, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(25,2,'warmup',2.01591871662110233565e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.05, "high": 0.4, "log": false}}');
INSERT INTO "trial_params" VALUES(26,2,'dropout',6.50957458324428611673e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.1, "log": false}}');
INSERT INTO "trial_params" VALUES(27,2,'weight_decay',2.26331482536257233562e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.002, "log": true}}');
INSERT INTO "trial_params" VALUES(28,2,'label_smoothing',5.00085291000246928705e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.1, "log": false}}');
INSERT INTO "trial_params" VALUES(29,2,'augmentation',7.52127721312098929118e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(30,2,'average_over',1.07713663922496962757e+02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 50.0, "high": 2000.0, "log": true}}');
INSERT INTO "trial_params" VALUES(31,3,'width_1',6.27920322063970748338e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(32,3,'width_2',6.55372720418250898077e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(33,3,'width_3',9.06123117406697375919e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(34,3,'width_4',4.53399117065261592074e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(35,3,'width_5',2.19646765637255825254e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(36,3,'width_6',9.05371918732567615428e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(37,3,'width_7',2.62651712999369957302e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(38,3,'activation',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", "silu"]}}');
INSERT INTO "trial_params" VALUES(39,3,'lr',7.46022291167706130821e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.02, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(40,3,'warmup',3.33989337063754276879e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.05, "high": 0.4, "log": false}}');
INSERT INTO "trial_params" VALUES(41,3,'dropout',0.0816481335622693,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.1, "log": false}}');
INSERT INTO "trial_params" VALUES(42,3,'weight_decay',1.71241837003507216589e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.002, "log": true}}');
INSERT INTO "trial_params" VALUES(43,3,'label_smoothing',8.53218519495684279974e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.1, "log": false}}');
INSERT INTO "trial_params" VALUES(44,3,'augmentation',6.31197735069742638103e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(45,3,'average_over',5.39446906079238146973e+02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 50.0, "high": 2000.0, "log": true}}');
INSERT INTO "trial_params" VALUES(46,4,'width_1',8.91060078102973274205e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(47,4,'width_2',7.54198095062933560051e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(48,4,'width_3',7.00087399400409760019e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(49,4,'width_4',1.33365159323058812823e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(50,4,'width_5',8.59987259250402868993e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(51,4,'width_6',2.95016676806645672392e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(52,4,'width_7',5.55053443090956943883e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(53,4,'activation',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["relu", "silu"]}}');
INSERT INTO "trial_params" VALUES(54,4,'lr',0.619215125835903,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.02, "high": 1.0, "log": true}}');
INSERT INTO "trial_params" VALUES(55,4,'warmup',3.6912725583242522731e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.05, "high": 0.4, "log": false}}');
INSERT INTO "trial_params" VALUES(56,4,'dropout',7.21750353436860225819e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.1, "log": false}}');
INSERT INTO "trial_params" VALUES(57,4,'weight_decay',3.994922934185205491e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.002, "log": true}}');
INSERT INTO "trial_params" VALUES(58,4,'label_smoothing',5.1162969225413204577e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 0.1, "log": false}}');
INSERT INTO "trial_params" VALUES(59,4,'augmentation',5.86859707990235346386e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 2.0, "log": false}}');
INSERT INTO "trial_params" VALUES(60,4,'average_over',1.47139580060273851818e+03,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 50.0, "high": 2000.0, "log": true}}');
INSERT INTO "trial_params" VALUES(61,5,'width_1',8.26968550665970525415e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(62,5,'width_2',3.36318946447191957638e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(63,5,'width_3',0.937562613039099,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(64,5,'width_4',5.82547887945127573772e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(65,5,'width_5',4.63294735620004782816e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(66,5,'width_6',3.82332618917912148148e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(67,5,'width_7',1.50984497511917781231e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(68,5,'layout',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["squeeze", "two-squeezes", "two-pools"]}}');
INSERT INTO "trial_params" VALUES(69,6,'width_1',7.80786426802706823302e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(70,6,'width_2',0.977408287518868,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(71,6,'width_3',4.83442979295532149208e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(72,6,'width_4',7.82667332699784057403e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(73,6,'width_5',8.39475523457525185655e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(74,6,'width_6',9.76846434372277139246e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(75,6,'width_7',3.70908733484630825927e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(76,6,'layout',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["squeeze", "two-squeezes", "two-pools"]}}');
INSERT INTO "trial_params" VALUES(77,7,'width_1',4.44879190298033133643e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(78,7,'width_2',7.46134923995018461972e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(79,7,'width_3',2.90460622468191376199e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(80,7,'width_4',1.39663016756468305601e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(81,7,'width_5',2.4904538508137274988e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(82,7,'width_6',2.48342482526665020436e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(83,7,'width_7',5.89934475295350257972e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(84,7,'layout',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["squeeze", "two-squeezes", "two-pools"]}}');
INSERT INTO "trial_params" VALUES(85,8,'width_1',7.80569531791074577853e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(86,8,'width_2',0.640148387080196,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(87,8,'width_3',2.91185544368685933491e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(88,8,'width_4',1.94661937178828403638e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(89,8,'width_5',0.323771779793271,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(90,8,'width_6',2.71834522388435639861e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(91,8,'width_7',3.89848859070910824797e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(92,8,'layout',2.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["squeeze", "two-squeezes", "two-pools"]}}');
INSERT INTO "trial_params" VALUES(93,9,'lr',4.13075083960800171212e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.05, "high": 0.5, "log": true}}');
INSERT INTO "trial_params" VALUES(94,9,'schedule',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["linear", "step"]}}');
INSERT INTO "trial_params" VALUES(95,9,'averaging',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["none", "ema"]}}');
INSERT INTO "trial_params" VALUES(96,9,'base',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["net/3", "net/1"]}}');
INSERT INTO "trial_params" VALUES(97,10,'lr',6.24388859452488440004e-02,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.05, "high": 0.5, "log": true}}');
INSERT INTO "trial_params" VALUES(98,10,'schedule',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["linear", "step"]}}');
INSERT INTO "trial_params" VALUES(99,10,'averaging',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["none", "ema"]}}');
INSERT INTO "trial_params" VALUES(100,10,'base',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["net/3", "net/1"]}}');
INSERT INTO "trial_params" VALUES(101,11,'lr',4.38653362005920532951e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.05, "high": 0.5, "log": true}}');
INSERT INTO "trial_params" VALUES(102,11,'schedule',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["linear", "step"]}}');
INSERT INTO "trial_params" VALUES(103,11,'averaging',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["none", "ema"]}}');
INSERT INTO "trial_params" VALUES(104,11,'base',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["net/3", "net/1"]}}');
INSERT INTO "trial_params" VALUES(105,12,'lr',1.6690238987990127506e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.05, "high": 0.5, "log": true}}');
INSERT INTO "trial_params" VALUES(106,12,'schedule',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["linear", "step"]}}');
INSERT INTO "trial_params" VALUES(107,12,'averaging',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["none", "ema"]}}');
INSERT INTO "trial_params" VALUES(108,12,'base',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["net/3", "net/1"]}}');
INSERT INTO "trial_params" VALUES(109,13,'lr',2.94285037456754106077e-01,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.05, "high": 0.5, "log": true}}');
INSERT INTO "trial_params" VALUES(110,13,'schedule',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["linear", "step"]}}');
INSERT INTO "trial_params" VALUES(111,13,'averaging',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["none", "ema"]}}');
INSERT INTO "trial_params" VALUES(112,13,'base',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["net/3", "net/1"]}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'drilldown:config','{"epochs": 2, "batch_size": 128, "seed": 1835504127, "label_smoothing": 0.02869290335697592, "layers": ["conv 1->6 k3 p0 bias=false", "bn", "silu", "dropout 0.012607668134856887", "conv 6->8 k3 p0 bias=false", "bn", "silu", "dropout 0.012607668134856887", "maxpool 2", "conv 8->6 k1 p0 bias=false", "bn", "silu", "dropout 0.012607668134856887", "conv 6->8 k3 p0 bias=false", "bn", "silu", "dropout 0.012607668134856887", "conv 8->7 k3 p0 bias=false", "bn", "silu", "dropout 0.012607668134856887", "conv 7->17 k3 p0 bias=false", "bn", "silu", "dropout 0.012607668134856887", "conv 17->8 k3 p0 bias=false", "bn", "silu", "gap", "flatten", "linear 8->10 bias=true"], "data": {"train": 3000, "test": 1000}, "augment": [{"kind": "affine", "degrees": 4.090851682822608, "translate": [0.027394096090329965, 0.027394096090329965], "whole_pixels": false, "scale": [0.959091483171774, 1.0409085168282262], "shear": [2.5567823017641302, 2.5567823017641302], "fill": 0.0, "interpolation": "bilinear"}], "optimizer": {"lr": 0.16332128860526443, "weight_decay": 5.7382738673343006e-05, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "batch", "when": "after", "warmup": 0.3857243662267184, "kind": "linear", "final": 0.0}, "averaging": {"kind": "ema", "decay": 0.9969624318498514}}');
INSERT INTO "trial_system_attributes" VALUES(2,2,'drilldown:config','{"epochs": 2, "batch_size": 128, "seed": 1189033389, "label_smoothing": 0.05000852910002469, "layers": ["conv 1->8 k3 p0 bias=false", "bn", "relu", "dropout 0.06509574583244286", "conv 8->8 k3 p0 bias=false", "bn", "relu", "dropout 0.06509574583244286", "maxpool 2", "conv 8->17 k1 p0 bias=false", "bn", "relu", "dropout 0.06509574583244286", "conv 17->8 k3 p0 bias=false", "bn", "relu", "dropout 0.06509574583244286", "conv 8->6 k3 p0 bias=false", "bn", "relu", "dropout 0.06509574583244286", "conv 6->5 k3 p0 bias=false", "bn", "relu", "dropout 0.06509574583244286", "conv 5->20 k3 p0 bias=false", "bn", "relu", "gap", "flatten", "linear 20->10 bias=true"], "data": {"train": 3000, "test": 1000}, "augment": [{"kind": "affine", "degrees": 6.017021770496791, "translate": [0.040292556498862445, 0.040292556498862445], "whole_pixels": false, "scale": [0.9398297822950321, 1.0601702177049679], "shear": [3.7606386065604944, 3.7606386065604944], "fill": 0.0, "interpolation": "bilinear"}], "optimizer": {"lr": 0.06316517147706352, "weight_decay": 0.00022633148253625723, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "batch", "when": "after", "warmup": 0.20159187166211023, "kind": "linear", "final": 0.0}, "averaging": {"kind": "ema", "decay": 0.9907161267792401}}');
INSERT INTO "trial_system_attributes" VALUES(3,1,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(4,1,'drilldown:training','{"train_acc": [34.7, 76.2], "fit_acc": 79.7}');
INSERT INTO "trial_system_attributes" VALUES(5,3,'drilldown:config','{"epochs": 2, "batch_size": 128, "seed": 1596810411, "label_smoothing": 0.08532185194956843, "layers": ["conv 1->7 k3 p0 bias=false", "bn", "relu", "dropout 0.0816481335622693", "conv 7->8 k3 p0 bias=false", "bn", "relu", "dropout 0.0816481335622693", "maxpool 2", "conv 8->18 k1 p0 bias=false", "bn", "relu", "dropout 0.0816481335622693", "conv 18->9 k3 p0 bias=false", "bn", "relu", "dropout 0.0816481335622693", "conv 9->4 k3 p0 bias=false", "bn", "relu", "dropout 0.0816481335622693", "conv 4->18 k3 p0 bias=false", "bn", "relu", "dropout 0.0816481335622693", "conv 18->4 k3 p0 bias=false", "bn", "relu", "gap", "flatten", "linear 4->10 bias=true"], "data": {"train": 3000, "test": 1000}, "augment": [{"kind": "affine", "degrees": 5.049581880557941, "translate": [0.03381416437873621, 0.03381416437873621], "whole_pixels": false, "scale": [0.9495041811944206, 1.0504958188055795], "shear": [3.155988675348713, 3.155988675348713], "fill": 0.0, "interpolation": "bilinear"}], "optimizer": {"lr": 0.07460222911677061, "weight_decay": 1.712418370035072e-05, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "batch", "when": "after", "warmup": 0.3339893370637543, "kind": "linear", "final": 0.0}, "averaging": {"kind": "ema", "decay": 0.99814624944785}}');
INSERT INTO "trial_system_attributes" VALUES(6,2,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(7,2,'drilldown:training','{"train_acc": [36.1333, 68.7667], "fit_acc": 73.0}');
INSERT INTO "trial_system_attributes" VALUES(8,4,'drilldown:config','{"epochs": 2, "batch_size": 128, "seed": 4010755824, "label_smoothing": 0.051162969225413205, "layers": ["conv 1->10 k3 p0 bias=false", "bn", "silu", "dropout 0.07217503534368602", "conv 10->9 k3 p0 bias=false", "bn", "silu", "dropout 0.07217503534368602", "maxpool 2", "conv 9->5 k1 p0 bias=false", "bn", "silu", "dropout 0.07217503534368602", "conv 5->5 k3 p0 bias=false", "bn", "silu", "dropout 0.07217503534368602", "conv 5->17 k3 p0 bias=false", "bn", "silu", "dropout 0.07217503534368602", "conv 17->7 k3 p0 bias=false", "bn", "silu", "dropout 0.07217503534368602", "conv 7->11 k3 p0 bias=false", "bn", "silu", "gap", "flatten", "linear 11->10 bias=true"], "data": {"train": 3000, "test": 1000}, "augment": [{"kind": "affine", "degrees": 4.694877663921883, "translate": [0.031438912928048325, 0.031438912928048325], "whole_pixels": false, "scale": [0.9530512233607812, 1.046948776639219], "shear": [2.9342985399511767, 2.9342985399511767], "fill": 0.0, "interpolation": "bilinear"}], "optimizer": {"lr": 0.619215125835903, "weight_decay": 3.9949229341852055e-05, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "batch", "when": "after", "warmup": 0.3691272558324252, "kind": "linear", "final": 0.0}, "averaging": {"kind": "ema", "decay": 0.9993203732132507}}');
INSERT INTO "trial_system_attributes" VALUES(9,3,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(10,3,'drilldown:training','{"train_acc": [21.6, 43.3333], "fit_acc": 49.2}');
INSERT INTO "trial_system_attributes" VALUES(11,4,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(12,4,'drilldown:training','{"train_acc": [41.9333, 83.6], "fit_acc": 91.7}');
INSERT INTO "trial_system_attributes" VALUES(13,5,'drilldown:config','{"epochs": 3, "batch_size": 128, "seed": 3228191106, "label_smoothing": 0.0, "layers": ["conv 1->10 k3 p0 bias=false", "bn", "relu", "conv 10->7 k3 p0 bias=false", "bn", "relu", "conv 7->10 k1 p0 bias=false", "bn", "relu", "maxpool 2", "conv 10->13 k3 p0 bias=false", "bn", "relu", "conv 13->10 k3 p0 bias=false", "bn", "relu", "conv 10->10 k1 p0 bias=false", "bn", "relu", "maxpool 2", "conv 10->6 k3 p0 bias=false", "bn", "relu", "gap", "flatten", "linear 6->10 bias=true"], "data": {"train": 1000, "test": 500}, "augment": [], "optimizer": {"lr": 0.1, "weight_decay": 0.0, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "batch", "when": "after", "warmup": 0.2, "kind": "linear", "final": 0.0}, "averaging": {"kind": "none"}}');
INSERT INTO "trial_system_attributes" VALUES(14,6,'drilldown:config','{"epochs": 3, "batch_size": 128, "seed": 1018211924, "label_smoothing": 0.0, "layers": ["conv 1->8 k3 p0 bias=false", "bn", "relu", "conv 8->10 k3 p0 bias=false", "bn", "relu", "maxpool 2", "conv 10->9 k3 p1 bias=false", "bn", "relu", "conv 9->14 k3 p1 bias=false", "bn", "relu", "maxpool 2", "conv 14->15 k1 p0 bias=false", "bn", "relu", "conv 15->4 k3 p0 bias=false", "bn", "relu", "conv 4->7 k3 p0 bias=false", "bn", "relu", "gap", "flatten", "linear 7->10 bias=true"], "data": {"train": 1000, "test": 500}, "augment": [], "optimizer": {"lr": 0.1, "weight_decay": 0.0, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "batch", "when": "after", "warmup": 0.2, "kind": "linear", "final": 0.0}, "averaging": {"kind": "none"}}');
INSERT INTO "trial_system_attributes" VALUES(15,6,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(16,6,'drilldown:training','{"train_acc": [21.5, 55.3, 76.4], "fit_acc": 78.2}');
INSERT INTO "trial_system_attributes" VALUES(17,7,'drilldown:config','{"epochs": 3, "batch_size": 128, "seed": 1855611264, "label_smoothing": 0.0, "layers": ["conv 1->6 k3 p0 bias=false", "bn", "relu", "conv 6->10 k3 p0 bias=false", "bn", "relu", "maxpool 2", "conv 10->9 k1 p0 bias=false", "bn", "relu", "conv 9->6 k3 p0 bias=false", "bn", "relu", "conv 6->9 k3 p0 bias=false", "bn", "relu", "conv 9->9 k3 p0 bias=false", "bn", "relu", "conv 9->16 k3 p0 bias=false", "bn", "relu", "gap", "flatten", "linear 16->10 bias=true"], "data": {"train": 1000, "test": 500}, "augment": [], "optimizer": {"lr": 0.1, "weight_decay": 0.0, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "batch", "when": "after", "warmup": 0.2, "kind": "linear", "final": 0.0}, "averaging": {"kind": "none"}}');
INSERT INTO "trial_system_attributes" VALUES(18,5,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(19,5,'drilldown:training','{"train_acc": [23.8, 51.1, 58.3], "fit_acc": 39.0}');
INSERT INTO "trial_system_attributes" VALUES(20,8,'drilldown:config','{"epochs": 3, "batch_size": 128, "seed": 1010675232, "label_smoothing": 0.0, "layers": ["conv 1->10 k3 p0 bias=false", "bn", "relu", "conv 10->10 k3 p0 bias=false", "bn", "relu", "maxpool 2", "conv 10->8 k3 p1 bias=false", "bn", "relu", "conv 8->8 k3 p1 bias=false", "bn", "relu", "maxpool 2", "conv 8->9 k1 p0 bias=false", "bn", "relu", "conv 9->8 k3 p0 bias=false", "bn", "relu", "conv 8->10 k3 p0 bias=false", "bn", "relu", "gap", "flatten", "linear 10->10 bias=true"], "data": {"train": 1000, "test": 500}, "augment": [], "optimizer": {"lr": 0.1, "weight_decay": 0.0, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "batch", "when": "after", "warmup": 0.2, "kind": "linear", "final": 0.0}, "averaging": {"kind": "none"}}');
INSERT INTO "trial_system_attributes" VALUES(21,7,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(22,7,'drilldown:training','{"train_acc": [23.6, 54.1, 70.0], "fit_acc": 54.8}');
INSERT INTO "trial_system_attributes" VALUES(23,8,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(24,8,'drilldown:training','{"train_acc": [28.0, 57.6, 68.9], "fit_acc": 69.6}');
INSERT INTO "trial_system_attributes" VALUES(25,9,'drilldown:config','{"epochs": 3, "batch_size": 128, "seed": 1528443176, "label_smoothing": 0.0, "layers": ["conv 1->8 k3 p0 bias=false", "bn", "relu", "conv 8->10 k3 p0 bias=false", "bn", "relu", "maxpool 2", "conv 10->9 k3 p1 bias=false", "bn", "relu", "conv 9->14 k3 p1 bias=false", "bn", "relu", "maxpool 2", "conv 14->15 k1 p0 bias=false", "bn", "relu", "conv 15->4 k3 p0 bias=false", "bn", "relu", "conv 4->7 k3 p0 bias=false", "bn", "relu", "gap", "flatten", "linear 7->10 bias=true"], "data": {"train": 1000, "test": 500}, "augment": [], "optimizer": {"lr": 0.41307508396080017, "weight_decay": 0.0, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "epoch", "when": "after", "warmup": 0.0, "kind": "step", "size": 1, "gamma": 0.1}, "averaging": {"kind": "none"}}');
INSERT INTO "trial_system_attributes" VALUES(26,10,'drilldown:config','{"epochs": 3, "batch_size": 128, "seed": 2690663004, "label_smoothing": 0.0, "layers": ["conv 1->8 k3 p0 bias=false", "bn", "relu", "conv 8->10 k3 p0 bias=false", "bn", "relu", "maxpool 2", "conv 10->9 k3 p1 bias=false", "bn", "relu", "conv 9->14 k3 p1 bias=false", "bn", "relu", "maxpool 2", "conv 14->15 k1 p0 bias=false", "bn", "relu", "conv 15->4 k3 p0 bias=false", "bn", "relu", "conv 4->7 k3 p0 bias=false", "bn", "relu", "gap", "flatten", "linear 7->10 bias=true"], "data": {"train": 1000, "test": 500}, "augment": [], "optimizer": {"lr": 0.062438885945248844, "weight_decay": 0.0, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "batch", "when": "after", "warmup": 0.2, "kind": "linear", "final": 0.0}, "averaging": {"kind": "ema", "decay": 0.998}}');
INSERT INTO "trial_system_attributes" VALUES(27,10,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(28,10,'drilldown:training','{"train_acc": [19.3, 42.4, 56.9], "fit_acc": 51.8}');
INSERT INTO "trial_system_attributes" VALUES(29,11,'drilldown:config','{"epochs": 3, "batch_size": 128, "seed": 203233976, "label_smoothing": 0.0, "layers": ["conv 1->8 k3 p0 bias=false", "bn", "relu", "conv 8->10 k3 p0 bias=false", "bn", "relu", "maxpool 2", "conv 10->9 k3 p1 bias=false", "bn", "relu", "conv 9->14 k3 p1 bias=false", "bn", "relu", "maxpool 2", "conv 14->15 k1 p0 bias=false", "bn", "relu", "conv 15->4 k3 p0 bias=false", "bn", "relu", "conv 4->7 k3 p0 bias=false", "bn", "relu", "gap", "flatten", "linear 7->10 bias=true"], "data": {"train": 1000, "test": 500}, "augment": [], "optimizer": {"lr": 0.43865336200592053, "weight_decay": 0.0, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "epoch", "when": "after", "warmup": 0.0, "kind": "step", "size": 1, "gamma": 0.1}, "averaging": {"kind": "none"}}');
INSERT INTO "trial_system_attributes" VALUES(30,11,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(31,11,'drilldown:training','{"train_acc": [28.9, 60.6, 66.5], "fit_acc": 60.2}');
INSERT INTO "trial_system_attributes" VALUES(32,12,'drilldown:config','{"epochs": 3, "batch_size": 128, "seed": 3276455274, "label_smoothing": 0.0, "layers": ["conv 1->8 k3 p0 bias=false", "bn", "relu", "conv 8->10 k3 p0 bias=false", "bn", "relu", "maxpool 2", "conv 10->9 k3 p1 bias=false", "bn", "relu", "conv 9->14 k3 p1 bias=false", "bn", "relu", "maxpool 2", "conv 14->15 k1 p0 bias=false", "bn", "relu", "conv 15->4 k3 p0 bias=false", "bn", "relu", "conv 4->7 k3 p0 bias=false", "bn", "relu", "gap", "flatten", "linear 7->10 bias=true"], "data": {"train": 1000, "test": 500}, "augment": [], "optimizer": {"lr": 0.16690238987990128, "weight_decay": 0.0, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "batch", "when": "after", "warmup": 0.2, "kind": "linear", "final": 0.0}, "averaging": {"kind": "none"}}');
INSERT INTO "trial_system_attributes" VALUES(33,9,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(34,9,'drilldown:training','{"train_acc": [33.6, 64.6, 68.4], "fit_acc": 66.2}');
INSERT INTO "trial_system_attributes" VALUES(35,13,'drilldown:config','{"epochs": 3, "batch_size": 128, "seed": 2835000376, "label_smoothing": 0.0, "layers": ["conv 1->10 k3 p0 bias=false", "bn", "relu", "conv 10->10 k3 p0 bias=false", "bn", "relu", "maxpool 2", "conv 10->8 k3 p1 bias=false", "bn", "relu", "conv 8->8 k3 p1 bias=false", "bn", "relu", "maxpool 2", "conv 8->9 k1 p0 bias=false", "bn", "relu", "conv 9->8 k3 p0 bias=false", "bn", "relu", "conv 8->10 k3 p0 bias=false", "bn", "relu", "gap", "flatten", "linear 10->10 bias=true"], "data": {"train": 1000, "test": 500}, "augment": [], "optimizer": {"lr": 0.2942850374567541, "weight_decay": 0.0, "decay": "weights", "kind": "sgd", "momentum": 0.9, "nesterov": true}, "schedule": {"per": "batch", "when": "after", "warmup": 0.2, "kind": "linear", "final": 0.0}, "averaging": {"kind": "none"}}');
INSERT INTO "trial_system_attributes" VALUES(36,12,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(37,12,'drilldown:training','{"train_acc": [27.5, 61.1, 72.0], "fit_acc": 74.4}');
INSERT INTO "trial_system_attributes" VALUES(38,13,'drilldown:environment','{"device": "cpu", "threads": 1, "versions": {"python": "3.11.7", "drilldown": "0.1.0", "torch": "2.14.1", "torchvision": "0.29.1"}, "machine": "AMD EPYC", "data_sha256": {"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5", "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7", "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"}, "engine": {"name": "native", "version": "1", "instruction_set": "avx512", "compiler": "gcc 12.2.0"}}');
INSERT INTO "trial_system_attributes" VALUES(39,13,'drilldown:training','{"train_acc": [33.7, 65.5, 80.7], "fit_acc": 60.2}');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'parameters','3975');
INSERT INTO "trial_user_attributes" VALUES(2,2,'parameters','3964');
INSERT INTO "trial_user_attributes" VALUES(3,1,'seconds','0.7');
INSERT INTO "trial_user_attributes" VALUES(4,1,'worst of last k','80.2');
INSERT INTO "trial_user_attributes" VALUES(5,1,'mean of last k','80.2');
INSERT INTO "trial_user_attributes" VALUES(6,3,'parameters','3975');
INSERT INTO "trial_user_attributes" VALUES(7,2,'seconds','0.7');
INSERT INTO "trial_user_attributes" VALUES(8,2,'worst of last k','69.5');
INSERT INTO "trial_user_attributes" VALUES(9,2,'mean of last k','69.5');
INSERT INTO "trial_user_attributes" VALUES(10,4,'parameters','3947');
INSERT INTO "trial_user_attributes" VALUES(11,3,'seconds','0.7');
INSERT INTO "trial_user_attributes" VALUES(12,3,'worst of last k','47.8');
INSERT INTO "trial_user_attributes" VALUES(13,3,'mean of last k','47.8');
INSERT INTO "trial_user_attributes" VALUES(14,4,'seconds','0.8');
INSERT INTO "trial_user_attributes" VALUES(15,4,'worst of last k','86.3');
INSERT INTO "trial_user_attributes" VALUES(16,4,'mean of last k','86.3');
INSERT INTO "trial_user_attributes" VALUES(17,5,'parameters','3972');
INSERT INTO "trial_user_attributes" VALUES(18,6,'parameters','3952');
INSERT INTO "trial_user_attributes" VALUES(19,6,'seconds','0.4');
INSERT INTO "trial_user_attributes" VALUES(20,6,'worst of last k','42.6');
INSERT INTO "trial_user_attributes" VALUES(21,6,'mean of last k','59.0');
INSERT INTO "trial_user_attributes" VALUES(22,7,'parameters','3981');
INSERT INTO "trial_user_attributes" VALUES(23,5,'seconds','0.4');
INSERT INTO "trial_user_attributes" VALUES(24,5,'worst of last k','30.4');
INSERT INTO "trial_user_attributes" VALUES(25,5,'mean of last k','31.8');
INSERT INTO "trial_user_attributes" VALUES(26,8,'parameters','3962');
INSERT INTO "trial_user_attributes" VALUES(27,7,'seconds','0.3');
INSERT INTO "trial_user_attributes" VALUES(28,7,'worst of last k','26.8');
INSERT INTO "trial_user_attributes" VALUES(29,7,'mean of last k','37.5');
INSERT INTO "trial_user_attributes" VALUES(30,8,'seconds','0.4');
INSERT INTO "trial_user_attributes" VALUES(31,8,'worst of last k','51.0');
INSERT INTO "trial_user_attributes" VALUES(32,8,'mean of last k','54.3');
INSERT INTO "trial_user_attributes" VALUES(33,9,'parameters','3952');
INSERT INTO "trial_user_attributes" VALUES(34,10,'parameters','3952');
INSERT INTO "trial_user_attributes" VALUES(35,10,'seconds','0.4');
INSERT INTO "trial_user_attributes" VALUES(36,10,'worst of last k','40.6');
INSERT INTO "trial_user_attributes" VALUES(37,10,'mean of last k','46.3');
INSERT INTO "trial_user_attributes" VALUES(38,11,'parameters','3952');
INSERT INTO "trial_user_attributes" VALUES(39,11,'seconds','0.4');
INSERT INTO "trial_user_attributes" VALUES(40,11,'worst of last k','35.8');
INSERT INTO "trial_user_attributes" VALUES(41,11,'mean of last k','45.9');
INSERT INTO "trial_user_attributes" VALUES(42,12,'parameters','3952');
INSERT INTO "trial_user_attributes" VALUES(43,9,'seconds','0.4');
INSERT INTO "trial_user_attributes" VALUES(44,9,'worst of last k','36.8');
INSERT INTO "trial_user_attributes" VALUES(45,9,'mean of last k','50.6');
INSERT INTO "trial_user_attributes" VALUES(46,13,'parameters','3962');
INSERT INTO "trial_user_attributes" VALUES(47,12,'seconds','0.4');
INSERT INTO "trial_user_attributes" VALUES(48,12,'worst of last k','56.4');
INSERT INTO "trial_user_attributes" VALUES(49,12,'mean of last k','62.4');
INSERT INTO "trial_user_attributes" VALUES(50,13,'seconds','0.3');
INSERT INTO "trial_user_attributes" VALUES(51,13,'worst of last k','36.8');
INSERT INTO "trial_user_attributes" VALUES(52,13,'mean of last k','46.1');
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
INSERT INTO "trial_values" VALUES(1,1,0,80.2,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,69.5,'FINITE');
INSERT INTO "trial_values" VALUES(3,3,0,47.8,'FINITE');
INSERT INTO "trial_values" VALUES(4,4,0,86.3,'FINITE');
INSERT INTO "trial_values" VALUES(5,6,0,42.6,'FINITE');
INSERT INTO "trial_values" VALUES(6,5,0,30.4,'FINITE');
INSERT INTO "trial_values" VALUES(7,7,0,26.8,'FINITE');
INSERT INTO "trial_values" VALUES(8,8,0,51.0,'FINITE');
INSERT INTO "trial_values" VALUES(9,10,0,40.6,'FINITE');
INSERT INTO "trial_values" VALUES(10,11,0,35.8,'FINITE');
INSERT INTO "trial_values" VALUES(11,9,0,36.8,'FINITE');
INSERT INTO "trial_values" VALUES(12,12,0,5.64000000000000056843e+01,'FINITE');
INSERT INTO "trial_values" VALUES(13,13,0,36.8,'FINITE');
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
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-25 08:43:06.995015','2026-11-25 08:43:13.725933');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-25 08:43:07.303735','2026-11-25 08:43:14.016499');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-25 08:43:13.806689','2026-11-25 08:43:14.741046');
INSERT INTO "trials" VALUES(4,3,1,'COMPLETE','2026-11-25 08:43:14.058735','2026-11-25 08:43:15.272150');
INSERT INTO "trials" VALUES(5,0,2,'COMPLETE','2026-11-25 08:43:18.150024','2026-11-25 08:43:23.812433');
INSERT INTO "trials" VALUES(6,1,2,'COMPLETE','2026-11-25 08:43:18.254688','2026-11-25 08:43:23.584987');
INSERT INTO "trials" VALUES(7,2,2,'COMPLETE','2026-11-25 08:43:23.656323','2026-11-25 08:43:24.252177');
INSERT INTO "trials" VALUES(8,3,2,'COMPLETE','2026-11-25 08:43:23.852694','2026-11-25 08:43:24.472230');
INSERT INTO "trials" VALUES(9,0,3,'COMPLETE','2026-11-25 08:43:27.466085','2026-11-25 08:43:33.851989');
INSERT INTO "trials" VALUES(10,1,3,'COMPLETE','2026-11-25 08:43:27.583622','2026-11-25 08:43:32.709634');
INSERT INTO "trials" VALUES(11,2,3,'COMPLETE','2026-11-25 08:43:32.820424','2026-11-25 08:43:33.379833');
INSERT INTO "trials" VALUES(12,3,3,'COMPLETE','2026-11-25 08:43:33.411928','2026-11-25 08:43:34.028212');
INSERT INTO "trials" VALUES(13,4,3,'COMPLETE','2026-11-25 08:43:33.911902','2026-11-25 08:43:34.392134');
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
