"""Writes vectors.json: the models of buying at random parameters, extreme ones
among them, with 50 digits, straight from the papers' formulas (the time of
death of Pareto/NBD integrated out). Needs mpmath. Nothing in it comes from the
package it tests."""
from mpmath import *
import random, json

def write(out, file):
    file.write("{\n" + ",\n".join(json.dumps(k) + ": [\n" + ",\n".join(json.dumps(r) for r in rows) + "]" for k, rows in out.items()) + "}\n")

mp.dps=50
random.seed(20261126)
def U(lo,hi): return float('%.6g'%(10**random.uniform(lo,hi)))
out={'bg':[],'mbg':[],'pareto':[],'gg':[],'bgbb':[],'sbg':[]}
for _ in range(60):
    r,al,a,b=U(-1.3,1.5),U(-1,3),U(-1.5,1.5),U(-1,2)
    x=random.choice([0,0,1,1,2,3,5,8,20,60,200,900]); T=float('%.6g'%(10**random.uniform(0,3.5))); tx=0.0 if x==0 else float('%.6g'%(T*random.random()**0.3)); h=float('%.6g'%(10**random.uniform(-2,3.3)))
    R,AL,A,B,X,TX,TT,H=map(mpf,(r,al,a,b,x,tx,T,h))
    # BG/NBD
    dead = A/(B+X-1)*((AL+TT)/(AL+TX))**(R+X) if x>0 else mpf(0)
    alive=1/(1+dead)
    def ex(A,B):  # expected transactions given alive, closed form of Fader et al.
        return (A+B+X-1)/(A-1)*(1-((AL+TT)/(AL+TT+H))**(R+X)*hyp2f1(R+X,B+X,A+B+X-1,H/(AL+TT+H)))
    out['bg'].append([r,al,a,b,x,tx,T,h,str(nstr(alive,17)),str(nstr(ex(A,B)*alive,17))])
    # MBG/NBD
    deadm=A/(B+X)*((AL+TT)/(AL+TX))**(R+X)
    am=1/(1+deadm)
    exm=(A+B+X)/(A-1)*(1-((AL+TT)/(AL+TT+H))**(R+X)*hyp2f1(R+X,B+X+1,A+B+X,H/(AL+TT+H)))
    out['mbg'].append([r,al,a,b,x,tx,T,h,str(nstr(am,17)),str(nstr(exm*am,17))])
    # Pareto/NBD by integral over death time
    s,be=a,b
    S,BE=mpf(s),mpf(be)
    f=lambda u:(AL+u)**(-(R+X))*(BE+u)**(-(S+1))
    I=quad(f,[TX]+[TX+(TT-TX)*mpf(2)**-k for k in range(18,-1,-1)]) if TT>TX else mpf(0)
    live=(AL+TT)**(-(R+X))*(BE+TT)**(-S)
    pa=live/(live+S*I)
    e=pa*(R+X)*(BE+TT)/((AL+TT)*(S-1))*(1-((BE+TT)/(BE+TT+H))**(S-1))
    ll=loggamma(R+X)-loggamma(R)+R*log(AL)+S*log(BE)+log(live+S*I)
    out['pareto'].append([r,al,s,be,x,tx,T,h,str(nstr(pa,17)),str(nstr(e,17)),str(nstr(ll,17))])
    # gamma-gamma
    p,q,g=U(-0.7,2),1+U(-2,1.5),U(0,6); n=random.choice([1,2,5,40,1000]); m=U(0,6)
    P,Q,G,N,M=map(mpf,(p,q,g,n,m))
    llg=loggamma(P*N+Q)-loggamma(P*N)-loggamma(Q)+Q*log(G)+(P*N-1)*log(M)+P*N*log(N)-(P*N+Q)*log(G+M*N)
    out['gg'].append([p,q,g,n,m,str(nstr(llg,17)),str(nstr((G+M*N)*P/(P*N+Q-1),17))])
    # BG/BB
    A2,B2,C2,D2=U(-1,1.5),U(-1,1.5),U(-1.5,1),U(-1,1.5); n2=random.choice([3,6,12,52,120]); x2=random.randint(0,n2); t2=random.randint(x2,n2) if x2 else 0; hh=random.choice([1,5,52])
    a2,b2,c2,d2=map(mpf,(A2,B2,C2,D2))
    L=beta(a2+x2,b2+n2-x2)/beta(a2,b2)*beta(c2,d2+n2)/beta(c2,d2)
    base=L
    for i in range(0,n2-t2): L+=beta(a2+x2,b2+t2-x2+i)/beta(a2,b2)*beta(c2+1,d2+t2+i)/beta(c2,d2)
    pa2=base/L
    pn=pa2*(d2+n2)/(c2+d2+n2) # at the next chance
    # E = sum_{k=1..h} P(alive at n, stays alive through n+k) * E[p]
    ep=(a2+x2)/(a2+b2+n2)
    E=sum(beta(c2,d2+n2+k)/beta(c2,d2+n2) for k in range(1,hh+1))*ep*pa2
    out['bgbb'].append([A2,B2,C2,D2,x2,t2,n2,hh,str(nstr(log(L),17)),str(nstr(pn,17)),str(nstr(E,17))])
    # sBG
    t=random.choice([1,2,5,30,200])
    sv=beta(mpf(a),mpf(b)+t)/beta(mpf(a),mpf(b))
    out['sbg'].append([a,b,t,str(nstr(sv,17)),str(nstr((mpf(b)+t-1)/(mpf(a)+mpf(b)+t-1),17))])
write(out,open('vectors.json','w'))
