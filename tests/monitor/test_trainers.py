"""The callbacks within the real trainers of Lightning, transformers and Accelerate."""

import numpy as np
import pytest
from tests.monitor.walks import walks, watching

from pushforward.monitor import Check


def walker(torch):
    """A model of a walk's step size, as a torch module."""

    class Walker(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.tensor(2.0))
            self.dropout = torch.nn.Dropout(0.5)

        def forward(self, steps, labels=None):
            loss = ((steps.pow(2).mean().sqrt() - self.scale) ** 2).sum()
            return {"loss": loss, "logits": self.scale.reshape(1)}

    return Walker()


def walked(model, n, seed):
    assert not model.training
    assert not model.scale.sum().requires_grad
    return walks(n, seed, float(model.scale))


STEPS = np.random.default_rng(3).normal(size=(64, 8, 2)).astype(np.float32)


@pytest.mark.slow
def test_lightning_trains_with_the_callback(tmp_path):
    torch, lightning = pytest.importorskip("torch"), pytest.importorskip("lightning.pytorch")

    class Training(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.walker = walker(torch)

        def training_step(self, batch, index):
            return self.walker(batch[0])["loss"]

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.2)

    monitor = watching()
    keep = tmp_path / "best.ckpt"
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.from_numpy(STEPS)), batch_size=8
    )
    trainer = lightning.Trainer(
        max_steps=8,
        callbacks=[monitor.lightning(lambda module, n, seed: walked(module.walker, n, seed), keep=keep)],
        logger=lightning.loggers.CSVLogger(tmp_path),
        enable_progress_bar=False,
        enable_checkpointing=False,
        accelerator="cpu",
    )
    trainer.fit(Training(), loader)
    assert [check.step for check in monitor.history] == [2, 4, 6, 8]
    assert keep.exists()
    (logged,) = tmp_path.rglob("metrics.csv")
    assert "drift/path-length/w1_floor" in logged.read_text()


@pytest.mark.slow
def test_transformers_trains_with_the_callback(tmp_path):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    pytest.importorskip("accelerate")

    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return len(STEPS)

        def __getitem__(self, i):
            return {"steps": STEPS[i]}

    monitor = watching(patience=2)
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "out"), max_steps=8, report_to=[], use_cpu=True, save_strategy="no",
        learning_rate=0.1, disable_tqdm=True, remove_unused_columns=False,
    )  # fmt: skip
    trainer = transformers.Trainer(
        model=walker(torch), args=arguments, train_dataset=Rows(), callbacks=[monitor.transformers(walked)]
    )
    trainer.train()
    assert [check.step for check in monitor.history][:2] == [2, 4]
    assert any("drift/score" in entry for entry in trainer.state.log_history)
    assert all(isinstance(check, Check) for check in monitor.history)


@pytest.mark.slow
def test_accelerate_trains_with_the_monitor(tmp_path):
    torch, accelerate = pytest.importorskip("torch"), pytest.importorskip("accelerate")
    pytest.importorskip("tensorboard")
    accelerator = accelerate.Accelerator(cpu=True, log_with="tensorboard", project_dir=tmp_path)
    accelerator.init_trackers("drift")
    model = walker(torch)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    model, optimizer = accelerator.prepare(model, optimizer)
    monitor = watching()
    watch = monitor.accelerate(accelerator, walked, keep=tmp_path / "best")
    for step in range(1, 9):
        accelerator.backward(model(torch.from_numpy(STEPS))["loss"])
        optimizer.step()
        optimizer.zero_grad()
        if watch(step, model):
            break
    accelerator.end_training()
    assert [check.step for check in monitor.history] == [2, 4, 6, 8]
    assert monitor.history[-1].score < monitor.history[0].score
    assert (tmp_path / "best").exists()
    assert list(tmp_path.rglob("events.out.tfevents*"))
