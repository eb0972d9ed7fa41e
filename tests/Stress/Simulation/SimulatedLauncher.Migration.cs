using Troupe.Launcher.Migration;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Migration;

namespace Troupe.Stress.Simulation;

/// <summary>Both ends of a migration: what <see cref="SourceEndpoint"/> and <see cref="TargetEndpoint"/> decide, done to modelled guests.</summary>
public sealed partial class SimulatedLauncher
{
    private static readonly TimeSpan ReconnectInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);
    private SourceEndpoint _source = new();
    private TargetEndpoint _target = new();
    private SimulatedRun? _run;
    private SimulatedLink? _peer;

    /// <summary>The copy that arrives belongs to this attempt's connection.</summary>
    private bool _arriving;

    /// <summary>The control channel of a source, or none.</summary>
    internal void OnPeerConnected(SimulatedLink link)
    {
        _peer = link;
        Decide(new TargetInput.PeerConnected());
    }

    /// <summary>libvirt ends an incoming domain that is not whole when its source is gone.</summary>
    internal void OnPeerLost(SimulatedLink link)
    {
        if (_peer == link)
            _peer = null;
        if (_arriving)
        {
            _arriving = false;
            Decide(new TargetInput.Gone());
        }

        if (_target.Stage is TargetStage.Arriving)
            LoseArriving();
    }

    /// <summary>The rest of its memory will not come.</summary>
    private void LoseArriving()
    {
        const string Why = "the guest was lost in post-copy: the connection to its source ended before all of its memory was here";
        _hosts.Ledger.Excuse(_vmiUid, Why);
        _qemu!.End(Why);
        OnGuestEnded(DomainState.Shutoff, DomainReason.Crashed, Why);
    }

    /// <summary>First the decision, then libvirt may learn of it.</summary>
    internal void OnLinkLost(SimulatedLink link)
    {
        if (_run is not { } run || run.Link != link)
            return;
        Decide(new SourceInput.LinkLost());
        run.Fail("End of file while reading data: Input/output error");
        if (run.IsSwitched)
            Return(run, run.Failure);
        if (_source.Stage is SourceStage.PassedOn && !run.IsInPostCopy)
            PassOn(run);
    }

    private void Prepare(PrepareIncoming order)
    {
        (_target, var actions) = _target.Decide(new TargetInput.Prepare(order.Epoch));
        if (actions is not TargetActions.Prepare)
            return;
        Show(order.MigrationId, m => m with { StartedAt = Now });
        After(_hosts.Timing.Prepare, () =>
        {
            var endpoint = _hosts.HasFullDisk(Node) ? null : _hosts.Network.Listen(Address, new OpenPort(this, order.SourceCertificate, order.Epoch));
            if (endpoint is not null)
                Describe(order.Epoch, order.Vmi, order.Context);
            Show(order.MigrationId, m => endpoint is null ? m with { Message = SimulatedHosts.NoSpace } : m with { Endpoint = endpoint });
            Decide(new TargetInput.Prepared(endpoint is not null));
        });
    }

    private void Show(string migrationId, Func<MigrationObservation, MigrationObservation> change) =>
        Update(o => o with { Migration = change(o.Migration ?? new MigrationObservation(migrationId, _target.Epoch, SourceStage.None, _target.Stage)) with { Target = _target.Stage } });

    private void Decide(TargetInput input)
    {
        var before = _target.Stage;
        (_target, var actions) = _target.Decide(input);
        if (actions.HasFlag(TargetActions.SendLoaded) && _peer is { } peer)
        {
            var epoch = _target.Epoch;
            peer.AtSource(source => source.Decide(new SourceInput.PeerLoaded(epoch)));
        }

        if (actions.HasFlag(TargetActions.Resume) || actions.HasFlag(TargetActions.Follow))
        {
            _qemu!.Run();
            Update(o => o with { State = DomainState.Running, Reason = DomainReason.Migrated, Machine = "pc-q35-7.2" });
            StartAgent();
        }

        if (_target.Stage != before)
            Update(o => o.Migration is { } m ? o with { Migration = m with { Target = _target.Stage } } : o);
        if (actions.HasFlag(TargetActions.Close))
        {
            _hosts.Network.Close(Address, this);
            _arriving = false;
            _peer?.Break();
            _qemu?.End("a copy without the right to run");
        }
    }

    /// <summary>QEMU's last byte has come.</summary>
    private void OnWhole(SimulatedLink link, long written)
    {
        if (!HasReceived(link, written))
            return;
        Decide(new TargetInput.Loaded());
        link.AtSource(source => source.OnFinished(link, null));
    }

    /// <summary>The guest's devices have come by post-copy, and libvirt's last step with them, as the source's launcher let it pass.</summary>
    private void OnPackage(SimulatedLink link, long written)
    {
        if (HasReceived(link, written))
            Decide(new TargetInput.Switched());
    }

    /// <summary>What has come is a QEMU from now on, unless nothing is awaited here any more.</summary>
    private bool HasReceived(SimulatedLink link, long written)
    {
        if (!_arriving || _target.Stage is not TargetStage.Ready)
        {
            link.AtSource(source => source.OnFinished(link, "the target has no such domain"));
            return false;
        }

        _arriving = false;
        _qemu = new SimulatedQemu(_hosts.Ledger, _vmiUid, PodUid, _guest!);
        _qemu.Receive(written);
        return true;
    }

    private void OnRest(SimulatedLink link)
    {
        if (_target.Stage is not TargetStage.Arriving)
        {
            link.AtSource(source => source.OnFinished(link, "the target has no such domain"));
            return;
        }

        Decide(new TargetInput.Whole());
        link.AtSource(source => source.OnFinished(link, null));
    }

    /// <returns>What ended was a copy that had not run here.</returns>
    private bool OnIncomingGone()
    {
        if (_target.Stage is TargetStage.Arriving)
        {
            Decide(new TargetInput.Gone());
            return false;
        }

        if (_target.Stage is not (TargetStage.Ready or TargetStage.Loaded))
            return false;
        Decide(new TargetInput.Gone());
        return true;
    }

    private void StartMigration(MigrateDomain order)
    {
        (_source, var actions) = _source.Decide(new SourceInput.Start(order.TargetEpoch));
        if (actions is not SourceActions.Migrate)
            return;
        Update(o => o with { Migration = new MigrationObservation(order.MigrationId, order.TargetEpoch, SourceStage.Migrating, TargetStage.None) { StartedAt = Now } });
        var run = _run = new SimulatedRun(order, _guest?.MemoryBytes ?? 0, Now);
        Open(run, link =>
        {
            link.AtTarget(target => target._arriving = target._target.Stage is TargetStage.Ready);
            _hosts.Network.Flow(Node, link.Target.Node, 1);
            run.Copy = CopyModel.Begin(_guest!);
            run.TickedAt = run.ProgressAt = Now;
            Tick(run);
        }, error => Return(run, error));
    }

    private void AbortMigration(AbortMigrate order)
    {
        var before = _source;
        Decide(new SourceInput.Abort(order.TargetEpoch));
        if (before.TargetEpoch != _source.TargetEpoch)
            Update(o => o with { Migration = new MigrationObservation(order.MigrationId, order.TargetEpoch, SourceStage.Kept, TargetStage.None) { Message = "aborted before it began" } });
    }

    private void Decide(SourceInput input)
    {
        var before = _source.Stage;
        (_source, var actions) = _source.Decide(input);
        if (_source.HasLeft && before is not (SourceStage.Switched or SourceStage.PassedOn) && _run?.Link is { } link)
            _hosts.Ledger.PassesOn(_vmiUid, link.Target.PodUid);
        if (actions.HasFlag(SourceActions.KillGuest))
            _qemu?.End("the right was passed on");
        if (actions.HasFlag(SourceActions.SendRun) && _run is { } run)
            PassOn(run);
        if (_source.Stage != before)
            Update(o => o.Migration is { } m && m.TargetEpoch == _source.TargetEpoch ? o with { Migration = m with { Source = _source.Stage } } : o);
        if (_source.Stage is SourceStage.PassedOn && before is not SourceStage.PassedOn)
            Update(o => o with { State = DomainState.Shutoff, Reason = DomainReason.Migrated, Message = null });
        if (actions.HasFlag(SourceActions.StartPostCopy) && _run is { } told)
            told.IsToldToSwitch = true;
        if (actions.HasFlag(SourceActions.FinishRunning) && _run is { } switched)
            SendPackage(switched);
        if (actions.HasFlag(SourceActions.CancelJob))
            _run?.Fail("operation aborted: migration out job: canceled by client");
        if (actions.HasFlag(SourceActions.KeepGuest))
            Keep();
    }

    /// <summary>A guest whose QEMU has switched cannot go on, and the target was never allowed to run it.</summary>
    private void Keep()
    {
        if (_run is not { IsInPostCopy: true })
        {
            Resume();
            return;
        }

        const string Why = "the guest was lost in post-copy: the connection to its target ended at the switch";
        _hosts.Ledger.Excuse(_vmiUid, Why);
        EndDomain(DomainState.Shutoff, DomainReason.Crashed, Why);
    }

    private void Tick(SimulatedRun run)
    {
        if (run.IsReturned)
            return;
        if (run.Failure is not null)
        {
            Return(run, run.Failure);
            return;
        }

        var (now, link) = (Now, run.Link!);
        var rate = RateOf(run);
        if (!_hosts.Network.IsCut(Node, link.Target.Node))
            run.Copy = run.Copy!.Advance(rate, now - run.TickedAt, RunsGuest, run.Order.Options.AutoConverge);
        run.TickedAt = now;
        if (now - run.ProgressAt >= ProgressInterval)
        {
            run.ProgressAt = now;
            Update(o => o.Migration is { } m ? o with { Migration = m with { Progress = run.Progress(now, rate) } } : o);
        }

        Converge(run, rate);
        if (run.IsToldToSwitch)
        {
            (run.IsSwitched, run.IsInPostCopy) = (true, true);
            _qemu!.Stand();
            Decide(new SourceInput.Finishing(Switched: true));
        }
        else if (run.Copy!.Fits(rate, run.MaxDowntime) || (_qemu is { Runs: false } && run.Copy.Left + run.Copy.Dirtied <= rate * _hosts.Timing.CopyStep.TotalSeconds))
            Switch(run, run.Copy.Rest(rate));
        else
            After(_hosts.Timing.CopyStep, () => Tick(run));
    }

    private double RateOf(SimulatedRun run)
    {
        var rate = _hosts.Network.BytesPerSecond(Node, run.Link!.Target.Node);
        return run.Order.Options.BandwidthBytesPerSecond is > 0 and var limit ? Math.Min(rate, limit) : rate;
    }

    private void Converge(SimulatedRun run, double rate)
    {
        switch (run.Converge(Now, rate))
        {
            case ConvergenceStep.GiveUp given when _source.Stage is SourceStage.Migrating:
                Update(o => o.Migration is { } m ? o with { Migration = m with { Message = given.Message } } : o, silently: true);
                Decide(new SourceInput.GiveUp());
                break;
            case ConvergenceStep.Switch:
                Decide(new SourceInput.Switch());
                break;
            case ConvergenceStep.Pause:
                _qemu?.Stand();
                break;
            case ConvergenceStep.SetDowntime wider:
                run.MaxDowntime = TimeSpan.FromMilliseconds(wider.Ms);
                break;
        }
    }

    private void SendPackage(SimulatedRun run)
    {
        var (link, written) = (run.Link!, _qemu!.Stand());
        link.AtTarget(target => target.OnPackage(link, written));
        After(run.Copy!.Rest(RateOf(run)), () => link.AtTarget(target => target.OnRest(link)));
    }

    private void Switch(SimulatedRun run, TimeSpan rest)
    {
        run.IsSwitched = true;
        // Where post-copy is allowed, libvirt's last step asks; the copy being whole, the answer is to leave the target paused.
        if (run.Order.Options.AllowPostCopy)
            Decide(new SourceInput.Finishing(Switched: false));
        var written = _qemu!.Stand();
        After(rest, () => run.Link!.AtTarget(target => target.OnWhole(run.Link, written)));
    }

    /// <summary>The target's libvirt has answered to the last step.</summary>
    private void OnFinished(SimulatedLink link, string? error)
    {
        if (_run is { } run && run.Link == link)
            Return(run, error);
    }

    /// <summary>libvirt's call comes back. When it failed, libvirt has let the guest go on, without asking anybody.</summary>
    private void Return(SimulatedRun run, string? error)
    {
        if (run.IsReturned)
            return;
        run.IsReturned = true;
        if (run.Copy is not null && run.Link is { } link)
            _hosts.Network.Flow(Node, link.Target.Node, -1);
        if (error is not null && !run.IsInPostCopy)
            Resume();
        if (error is not null && _source.IsBusy)
            Update(o => o.Migration is { Message: null } m ? o with { Migration = m with { Message = error } } : o, silently: true);
        Update(o => o.Migration is { } m ? o with { Migration = m with { EndedAt = Now } } : o, silently: true);
        Decide(new SourceInput.Returned(error is null));
        if (error is null)
            _qemu?.End("it has moved");
        if (_source.Stage is SourceStage.Kept && _run == run)
        {
            _run = null;
            run.Link?.Break();
        }
    }

    /// <summary>Tells the target that it may run, over a new connection if need be, until that has worked or the launcher ends.</summary>
    private void PassOn(SimulatedRun run)
    {
        if (run.IsPassing)
            return;
        run.IsPassing = true;
        if (run.Link is { IsBroken: false } link)
            Say(link);
        else
            Open(run, Say, _ => After(ReconnectInterval, Again));

        void Say(SimulatedLink over)
        {
            var epoch = run.Order.TargetEpoch;
            over.AtTarget(target => target.Decide(new TargetInput.PeerRun(epoch)));
            run.IsPassing = false;
        }

        void Again()
        {
            run.IsPassing = false;
            PassOn(run);
        }
    }

    private void Open(SimulatedRun run, Action<SimulatedLink> opened, Action<string> failed) => _ = Task.Run(async () =>
    {
        try
        {
            var link = await _hosts.Network.ConnectAsync(this, run.Order.Target, run.Order.TargetEpoch).ConfigureAwait(false);
            if (!IsAlive)
                link.Break();
            Post(() =>
            {
                run.Link = link;
                opened(link);
            });
        }
        catch (IOException e)
        {
            Post(() => failed(e.Message));
        }
    });

    private void OnDaemonLost()
    {
        Decide(new SourceInput.DaemonLost());
        if (_run is { IsReturned: false } run)
        {
            run.Fail("the libvirt daemon died");
            After(_hosts.Timing.DaemonRestart, () => Return(run, run.Failure));
        }

        if (_target.Stage is TargetStage.Ready or TargetStage.Loaded && _qemu is not { IsAlive: true })
            Decide(new TargetInput.Gone());
    }

    private void FailRun(string why)
    {
        if (_run is not { IsReturned: false } run)
            return;
        run.Fail(why);
        if (run.IsSwitched)
            Return(run, why);
    }

    private void Resume()
    {
        if (_qemu is { IsPausedByUser: false } qemu)
            qemu.Run();
    }

    private void EndMigration()
    {
        if (_run is { IsReturned: false, Copy: not null, Link: { } link })
            _hosts.Network.Flow(Node, link.Target.Node, -1);
        _run?.Link?.Break();
        _peer?.Break();
    }
}
